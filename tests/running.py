"""Runs `upgrade` in the test's own process, and looks at what is left: locks, markers, a plain Alembic twin."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from building import MYSQL, Database, Tiny
from calling import config_for, plain

import lockgate
from lockgate.dialects.sqlite.locks import SideFileLock
from lockgate.errors import LockgateError
from lockgate.events import Notify
from lockgate.outcome import Outcome
from lockgate.secret import DatabaseUrl

FAILING = 'raise RuntimeError("broken on purpose")'


def up(project: Tiny, to: str = "head", *, notify: Notify | None = None) -> Outcome:
    """Upgrade environment `dev`."""
    return lockgate.upgrade(lockgate.load_project(project.folder), "dev", to, environ=project.environ, notify=notify)


def up_fails(project: Tiny, to: str = "head", *, notify: Notify | None = None) -> LockgateError:
    """Upgrade environment `dev`, which must fail; return the error."""
    with pytest.raises(LockgateError) as caught:
        up(project, to, notify=notify)
    return caught.value


def mark(project: Tiny, environment: str, url: DatabaseUrl) -> Database:
    """Write an environment's marker into an empty database."""
    environ = {f"{environment.upper()}_DATABASE_URL": url.render().reveal()}
    lockgate.adopt(lockgate.load_project(project.folder), environment, confirm=environment, environ=environ)
    return Database(url)


def lock_is_free(url: DatabaseUrl) -> bool:
    """Whether nobody holds lockgate's lock on a database: no session any advisory lock, no process the side file."""
    if url.backend in MYSQL:
        return Database(url).query("select is_used_lock(concat('lockgate.', sha1(lower(database()))))") == [(None,)]
    if url.backend != "sqlite":
        return Database(url).query("select * from pg_locks where locktype = 'advisory'") == []
    lock = SideFileLock(url.database, "a test")
    free = lock.take()
    lock.release()
    return free


def alembic_twin(project: Tiny, folder: Path) -> Tiny:
    """Copy a project to a place without lockgate.toml, where plain Alembic does what it always did."""
    shutil.copytree(project.folder, folder, ignore=shutil.ignore_patterns("lockgate.toml", "__pycache__"))
    return Tiny(folder)


def plain_up(project: Tiny, url: DatabaseUrl, to: str = "head") -> Any:
    """`alembic upgrade`, in this process."""
    return plain(command.upgrade, config_for(project, url), to)
