"""Statements that are given to a driver's own cursor, past SQLAlchemy: `op.get_bind().connection.cursor()`, COPY."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lockgate.dialects.tracing import Watching


def watch(connection: Any, watching: Watching) -> None:
    """See `Tracing.watch_cursors`: psycopg and psycopg2 let a connection name the class of its cursors; async drivers are not watched."""
    family = type(connection).__module__.partition(".")[0]
    if family in _KINDS and hasattr(connection, "cursor_factory"):
        connection.cursor_factory = _KINDS[family](connection.cursor_factory, watching)


def _psycopg(base: Any, watching: Watching) -> Any:
    class Watched(_watched(base, watching)):  # type: ignore[misc]
        @contextmanager
        def copy(self, statement: Any, *rest: Any, **named: Any) -> Iterator[Any]:
            with watching(self, _text(self, statement)), super().copy(statement, *rest, **named) as copy:
                yield copy

    return Watched


def _psycopg2(base: Any, watching: Watching) -> Any:
    from psycopg2.extensions import cursor

    class Watched(_watched(base or cursor, watching)):  # type: ignore[misc]
        def callproc(self, name: Any, *rest: Any) -> Any:
            with watching(self, f"SELECT * FROM {name}()"):
                return super().callproc(name, *rest)

        def copy_expert(self, statement: Any, *rest: Any, **named: Any) -> Any:
            with watching(self, _text(self, statement)):
                return super().copy_expert(statement, *rest, **named)

        def copy_from(self, file: Any, table: Any, *rest: Any, **named: Any) -> Any:
            with watching(self, f"COPY {table} FROM STDIN"):
                return super().copy_from(file, table, *rest, **named)

        def copy_to(self, file: Any, table: Any, *rest: Any, **named: Any) -> Any:
            with watching(self, f"COPY {table} TO STDOUT"):
                return super().copy_to(file, table, *rest, **named)

    return Watched


def _watched(base: Any, watching: Watching) -> Any:
    class Watched(base):  # type: ignore[misc]
        def execute(self, query: Any, *rest: Any, **named: Any) -> Any:
            with watching(self, _text(self, query)):
                return super().execute(query, *rest, **named)

        def executemany(self, query: Any, *rest: Any, **named: Any) -> Any:
            with watching(self, _text(self, query)):
                return super().executemany(query, *rest, **named)

    return Watched


_KINDS: dict[str, Callable[[Any, Watching], Any]] = {"psycopg": _psycopg, "psycopg2": _psycopg2}


def _text(cursor: Any, statement: Any) -> str:
    """A statement may be text, bytes, or put together by the driver."""
    if hasattr(statement, "as_string"):
        statement = statement.as_string(cursor)
    return statement.decode(errors="replace") if isinstance(statement, bytes) else str(statement)
