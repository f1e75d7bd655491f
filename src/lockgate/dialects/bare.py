"""Connections that somebody opens with a driver alone: SQLAlchemy tells of its own only."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from typing import Any

# Module, object in it, function. A class method is watched on its class, which pools and subclasses call; the module's own
# function was bound before. The drivers are imported: a revision may do so in its function, when it is too late to watch.
_WAYS_IN = (
    ("psycopg", "", "connect"),
    ("psycopg", "Connection", "connect"),
    ("psycopg2", "", "connect"),
    ("pymysql", "", "connect"),
    ("pymysql", "", "Connect"),
    ("MySQLdb", "", "connect"),
    ("MySQLdb", "", "Connect"),
    ("sqlite3", "", "connect"),
)
_JUDGED_ELSEWHERE = ("sqlalchemy", "lockgate")


@contextmanager
def watched_connects(judge: Callable[[Any], None]) -> Iterator[None]:
    """
    While the block runs, show every connection that a driver opens for anybody but SQLAlchemy and lockgate to `judge`.

    What it raises, whoever wanted to connect gets; the connection is closed then. Drivers for asyncio are not watched: a connection
    of theirs can be asked nothing before somebody awaits it.
    """
    with ExitStack() as stack:
        for module, holder, name in _WAYS_IN:
            with suppress(ImportError):
                found = import_module(module)
                stack.enter_context(_replaced(getattr(found, holder) if holder else found, name, judge))
        yield


@contextmanager
def _replaced(owner: Any, name: str, judge: Callable[[Any], None]) -> Iterator[None]:
    original = inspect.getattr_static(owner, name)
    method = isinstance(original, classmethod)
    connect = original.__func__ if method else original

    @functools.wraps(connect)
    def watched(*args: Any, **options: Any) -> Any:
        connection = connect(*args, **options)
        if sys._getframe(1).f_globals.get("__name__", "").partition(".")[0] not in _JUDGED_ELSEWHERE:
            try:
                judge(connection)
            except BaseException:
                connection.close()
                raise
        return connection

    setattr(owner, name, classmethod(watched) if method else watched)
    try:
        yield
    finally:
        setattr(owner, name, original)
