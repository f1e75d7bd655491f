"""A connection made from the environment's URL, for an env.py that wants one handed in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from lockgate.secret import DatabaseUrl
from lockgate.words import VersionTable


@contextmanager
def engine_connection(url: DatabaseUrl) -> Iterator[Connection]:
    """Connect by SQLAlchemy; statements never show their parameters."""
    engine = create_engine(url.render().reveal(), poolclass=NullPool, hide_parameters=True)
    with engine.connect() as connection:
        yield connection


@contextmanager
def handed_connection(config: Config, url: DatabaseUrl, wanted: bool) -> Iterator[None]:
    """Put a connection into `config.attributes["connection"]` while the block runs, where the settings say so."""
    if not wanted:
        yield
        return
    with engine_connection(url) as connection:
        config.attributes["connection"] = connection
        try:
            yield
        finally:
            del config.attributes["connection"]


def stamp_within(connection: Any, script: ScriptDirectory, table: VersionTable, *revisions: str) -> None:
    """Write the version table in the transaction that is open on `connection`."""
    _context(connection, table).stamp(script, revisions)  # type: ignore[arg-type]  # it takes several


def heads_of(connection: Any, table: VersionTable) -> tuple[str, ...]:
    """Read the version table as Alembic does, sorted; nothing is made where there is none."""
    return tuple(sorted(_context(connection, table).get_current_heads()))


def _context(connection: Any, table: VersionTable) -> MigrationContext:
    options = {"version_table": table.name, "version_table_schema": table.schema or None}
    return MigrationContext.configure(connection, opts=options)
