"""Counts what a process asks of its database, and acts before or after statement n: the moments that no timer finds."""

from __future__ import annotations

import mmap
import os
import sqlite3
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pymysql

_SIZE = 8  # bytes


@dataclass
class Boundary:
    """
    One moment; COMMIT and ROLLBACK count as statements. Made before the fork, armed behind it.

    Args:
        number: of the statement, from 1; 0 only counts.
        after: at its end, not at its beginning.
        act: what happens there.
    """

    number: int = 0
    after: bool = False
    act: Callable[[], object] = lambda: None
    seen: mmap.mmap = field(default_factory=lambda: mmap.mmap(-1, _SIZE))
    # lockgate looks from a second thread who makes the first one wait: each is inside of its own statements.
    inside: threading.local = field(default_factory=threading.local)
    counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def count(self) -> int:
        """Statements so far, also of a process that is gone."""
        return int(struct.unpack("q", self.seen[:_SIZE])[0])

    @property
    def reached(self) -> bool:
        """Whether the moment came."""
        return self.count >= self.number

    @contextmanager
    def statement(self) -> Iterator[None]:
        """Around every one; a driver's method that calls another one is one statement."""
        if getattr(self.inside, "statement", False):
            yield
            return
        self.inside.statement = True
        try:
            with self.counting:
                number = self.count + 1
                self.seen[:_SIZE] = struct.pack("q", number)
            here = number == self.number
            if here and not self.after:
                self.act()
            try:
                yield
            finally:  # also behind a statement that failed, as one on a connection that is closed already
                if here and self.after:
                    self.act()
        finally:
            self.inside.statement = False

    def arm(self) -> None:
        """Watch every connection of this process: lockgate's own looks, and those of env.py."""
        for kind, names in (
            (psycopg.Cursor, ("execute", "executemany")),
            (psycopg.Connection, ("commit", "rollback")),
            (pymysql.connections.Connection, ("query", "commit", "rollback")),
        ):
            for name in names:
                setattr(kind, name, self._watched(getattr(kind, name)))
        self._watch_sqlite()

    def _watched(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kw: Any) -> Any:
            with self.statement():
                return method(*args, **kw)

        return watched

    def _watch_sqlite(self) -> None:
        """Its classes cannot be changed, but its connections may be of another one."""

        def watch(kind: type, names: tuple[str, ...], **more: Any) -> type:
            methods = {name: self._watched(getattr(kind, name)) for name in names}
            # lockgate tells a driver by the module of its connections.
            return type(kind.__name__, (kind,), {**methods, **more, "__module__": "sqlite3"})

        cursor = watch(sqlite3.Cursor, ("execute", "executemany", "executescript"))
        more = {"cursor": lambda connection, factory=cursor: sqlite3.Connection.cursor(connection, factory)}
        connection = watch(sqlite3.Connection, ("execute", "executemany", "executescript", "commit", "rollback"), **more)
        connect = sqlite3.connect

        def watched_connect(*args: Any, **kw: Any) -> sqlite3.Connection:
            return connect(*args, **{"factory": connection, **kw})

        sqlite3.connect = sqlite3.dbapi2.connect = watched_connect  # type: ignore[attr-defined]


def die() -> None:
    """End this process as the kernel does, and nothing of it is tidied up."""
    os.kill(os.getpid(), 9)
