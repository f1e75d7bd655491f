"""Plain `alembic` and `alembic.command`: the gate stands in every project that has lockgate settings, and nowhere else."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from building import INI, SETTINGS, Database, Tiny, create_table, tiny
from calling import ASK, COMMANDS, as_found, config_for, filled, overwriting_env_py, plain, refused, shown
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine

import lockgate
from lockgate.errors import Busy, Refused, SettingsError
from lockgate.runs.gate import one_run_per_process
from lockgate.scratch import mark_scratch
from lockgate.secret import DatabaseUrl

MODELS = """
import sqlalchemy as sa
metadata = sa.MetaData()
users = sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)))
orders = sa.Table("orders", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)))
"""
MULTIDB = """
import os
from alembic import context
from sqlalchemy import create_engine
for variable in ("FIRST_URL", "SECOND_URL"):
    engine = create_engine(os.environ[variable])
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""


@pytest.fixture
def app(project: Tiny) -> Tiny:
    """A project of two revisions whose env.py takes its URL from a variable."""
    return project.tables("users", "orders").env_py(overwriting_env_py())


def without_default(project: Tiny) -> Tiny:
    """Settings that do not say which environment plain alembic means."""
    return project.settings(SETTINGS.replace('default_environment = "dev"\n', ""))
