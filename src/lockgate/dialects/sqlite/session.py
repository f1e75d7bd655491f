"""sqlite3 connections of lockgate's own, and what their errors mean."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from lockgate.dialects.parts import ErrorFacts
from lockgate.errors import Unreachable, UsageError
from lockgate.permit import Row
from lockgate.secret import DatabaseUrl

_WRITING = (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE)


class SqliteSession:
    """A sqlite3 connection in which every transaction is a real one."""

    def __init__(self, connection: sqlite3.Connection, *, write: bool) -> None:
        self.connection = connection
        self._begin = "begin immediate" if write else "begin"
        self.touched: set[str] = set()  # tables that the open transaction's noted statements write

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> list[Row]:
        """Run one statement; see `lockgate.permit.Session`."""
        if not self.connection.in_transaction:
            self.connection.execute(self._begin)
        return self.connection.execute(sql, dict(params or {})).fetchall()

    def write(self, sql: str, params: Mapping[str, object] | None = None) -> int:
        """Run one writing statement; see `lockgate.permit.Session`."""
        if not self.connection.in_transaction:
            self.connection.execute(self._begin)
        return self.connection.execute(sql, dict(params or {})).rowcount

    def execute_noting(self, sql: str) -> None:
        """
        Run one statement and note the tables that it writes, its triggers' too.

        SQLite tells them while it compiles the statement, and compiles anew whenever there is another listener.
        """
        self.connection.set_authorizer(self._note)
        try:
            self.execute(sql)
        finally:
            self.connection.set_authorizer(None)

    def _note(self, action: int, first: str | None, *others: str | None) -> int:
        if action in _WRITING and first:
            self.touched.add(first)
        return sqlite3.SQLITE_OK

    def ask(self, sql: str) -> list[Row]:
        """Run one statement; Python's driver takes no second one."""
        return self.execute(sql)

    def commit(self) -> None:
        """Commit the open transaction."""
        self.connection.commit()
        self.touched.clear()

    def rollback(self) -> None:
        """Undo the open transaction."""
        self.connection.rollback()
        self.touched.clear()

    def cancel(self) -> None:
        """Stop the statement under way; see `BareSession`."""
        self.connection.interrupt()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


@contextmanager
def open_session(url: DatabaseUrl, timeout: float, *, write: bool) -> Iterator[SqliteSession]:
    """
    Open the file; see `Dialect.open`. A look at a file that is not there yet sees an empty database and creates nothing.

    Args:
        timeout: seconds to wait for another writer.
    """
    if url.is_memory:
        raise UsageError(
            "database-unsupported", "an in-memory SQLite database belongs to one connection alone", hint="use a file: sqlite:///app.db"
        )
    path = Path(url.database)
    if not path.parent.is_dir():
        raise Unreachable(
            "unreachable", "the folder of this SQLite file does not exist", url.place, f"mkdir -p {shlex.quote(str(path.parent))}"
        )
    connection = _connect(path, timeout, write, url.place)
    try:
        yield SqliteSession(connection, write=write)
    finally:
        connection.close()


def _connect(path: Path, timeout: float, write: bool, place: str) -> sqlite3.Connection:
    if not write and not _exists(path, place):
        return sqlite3.connect(":memory:", isolation_level=None)
    try:
        try:
            return _opened(path, timeout, "rwc" if write else "ro")
        except sqlite3.Error as error:
            if not _awaits_recovery(error):
                raise
            # Who may not write cannot read either: another process was killed in its transaction, and what it left is to be undone first.
            return _opened(path, timeout, "rw")
    except sqlite3.Error as error:
        held = getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")
        hint = "another process is writing to it; try again when that has ended" if held else "check that the path is a SQLite database and its permissions"
        raise Unreachable("unreachable", f"cannot open this SQLite file: {error}", place, hint) from None


def _opened(path: Path, timeout: float, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, timeout=timeout, isolation_level=None)
    try:
        connection.execute("select count(*) from sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _awaits_recovery(error: sqlite3.Error) -> bool:
    """
    Whether a file was opened for reading alone, and has a journal that is to be rolled back or a WAL that is to be recovered.

    Source: sqlite.org/rescode.html, SQLITE_READONLY_ROLLBACK and SQLITE_READONLY_RECOVERY.
    """
    return error.sqlite_errorname in ("SQLITE_READONLY_ROLLBACK", "SQLITE_READONLY_RECOVERY")


def _exists(path: Path, place: str) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:  # a folder that may not be entered: nobody can say what is in it
        what = f"cannot look for this SQLite file: {error.strerror}"
        raise Unreachable("unreachable", what, place, f"ls -ld {shlex.quote(str(path.parent))}") from None
    return True


def writable(path: str) -> bool:
    """Whether file and folder can be written: SQLite puts its journal beside the file."""
    target = Path(path)
    return os.access(target.parent, os.W_OK) and (not target.exists() or os.access(target, os.W_OK))


def facts(error: BaseException) -> ErrorFacts | None:
    """Read an error of sqlite3; its extended result code where there is one, its sentence where SQLite has no code for it."""
    if not isinstance(error, sqlite3.Error):
        return None
    message, code = str(error), getattr(error, "sqlite_errorname", "") or ""
    # "no such table" is a plain SQLITE_ERROR: only the sentence tells it from a syntax error.
    missing = re.fullmatch(r"no such table: (.+)", message)
    if missing:
        return ErrorFacts("missing-table", message, missing[1])
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return ErrorFacts("lock-timeout", message)
    if code.startswith("SQLITE_READONLY"):
        return ErrorFacts("read-only", message)
    if code.startswith("SQLITE_FULL"):
        return ErrorFacts("disk-full", message)
    return ErrorFacts("", message)
