"""
SQLite's drivers, opening one file and no other.

aiosqlite connects through Python's own driver, so there is one place. What opens a file behind its back (`sqlite3.Connection`, ATTACH) is
refused. Databases in memory are nobody's and stay as they are.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import unquote, urlsplit

from lockgate.errors import Unreachable
from lockgate.secret import DatabaseUrl

DRIVERS = ("pysqlite", "aiosqlite")
# Say how a session begins; everything else says where it goes.
_KEPT = ("timeout", "detect_types", "isolation_level", "check_same_thread", "factory", "cached_statements", "autocommit", "iter_chunk_size")
_ATTACH = 24  # action code of SQLite's authorizer; Python has no name for it before 3.11


def jail(url: DatabaseUrl) -> None:
    """See `Tracing.jail`."""
    scratch = os.path.realpath(url.database)
    connect = _redirected(sqlite3.connect, scratch)
    for name in ("sqlite3", "sqlite3.dbapi2"):
        library: Any = import_module(name)
        library.connect = connect

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "sqlite3.connect" and not _is_allowed(arguments[0], scratch):
            what = f"the plan's process opens the scratch copy only, and not {arguments[0]}"
            raise Unreachable("no-plan", what, "env.py", "open SQLite files by `sqlite3.connect` or by SQLAlchemy, which lead to the copy")

    sys.addaudithook(heard)


def kept(given: dict[str, Any]) -> dict[str, Any]:
    """See `Tracing.options_kept`."""
    return {name: value for name, value in given.items() if name in _KEPT}


def _redirected(original: Callable[..., sqlite3.Connection], scratch: str) -> Callable[..., sqlite3.Connection]:
    def authorize(action: int, name: str | None, *others: str | None) -> int:
        elsewhere = action == _ATTACH and not _is_allowed(name or "", scratch)
        return sqlite3.SQLITE_DENY if elsewhere else sqlite3.SQLITE_OK

    def connect(database: Any, *args: Any, **given: Any) -> sqlite3.Connection:
        if not _is_allowed(database, scratch):
            database, given = scratch, kept(given)
        connection = original(database, *args, **given)
        connection.set_authorizer(authorize)
        return connection

    return connect


def _is_allowed(database: Any, scratch: str) -> bool:
    """Whether this is the scratch copy, or a file of SQLite's own that goes with its connection."""
    name = os.fsdecode(database)
    if name in ("", ":memory:") or (name.startswith("file:") and "mode=memory" in name):
        return True
    path = unquote(urlsplit(name).path) if name.startswith("file:") else name
    return os.path.realpath(path) == scratch
