"""A cursor that holds an answer of an earlier run, in the place of the driver's own."""

from __future__ import annotations

from collections import deque
from typing import Any

from lockgate.journal.answer import MOST_ROWS, Answer, columns_of


class ReplayedCursor:
    """As much of a DB-API cursor as SQLAlchemy reads a result from (PEP 249)."""

    arraysize = 1

    def __init__(self, description: Any, rows: Any, rowcount: int, lastrowid: int | None, connection: Any = None) -> None:
        self.connection = connection  # psycopg2's dialect reads the server's notices off it
        self.description = description
        self.rowcount = rowcount
        self.lastrowid = lastrowid
        self._rows = deque(rows)

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows."""
        return [self._rows.popleft() for _ in range(min(size or self.arraysize, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        """Return all further rows."""
        rows, self._rows = list(self._rows), deque()
        return rows

    def close(self) -> None:
        """Forget the rows."""
        self._rows.clear()


def replay(context: Any, answer: Answer) -> None:
    """Let SQLAlchemy read `answer` as the result of the statement that it believes to have run; raises the driver's error if it is one."""
    if answer.error is not None:
        name, number, sentence = answer.error
        raise getattr(context.dialect.loaded_dbapi, name)(number, sentence)
    description = None if answer.columns is None else [(name, code, None, None, None, None, None) for name, code in answer.columns]
    context.cursor = ReplayedCursor(description, answer.rows, answer.rowcount, answer.lastrowid, getattr(context.cursor, "connection", None))


def answer_of(context: Any, cursor: Any) -> Answer | None:
    """
    Take the rows from a cursor and put a copy in its place.

    Returns:
        None for a result that is streamed, or too large to be kept: it stays as it is.
    """
    if cursor.description is None or getattr(context, "_is_server_side", False) or cursor.rowcount > MOST_ROWS:
        return None
    rows = [tuple(row) for row in cursor.fetchall()]
    last = getattr(cursor, "lastrowid", None)
    context.cursor = ReplayedCursor(cursor.description, rows, cursor.rowcount, last, getattr(cursor, "connection", None))
    return Answer(columns_of(cursor.description), tuple(rows), cursor.rowcount, last)


def refusal_of(context: Any, error: Exception) -> Answer | None:
    """Return the answer of a statement that the server refused; None for an error that is no refusal."""
    known = getattr(context.dialect.loaded_dbapi, type(error).__name__, None)
    if known is not type(error) or len(error.args) < 2 or not isinstance(error.args[0], int):
        return None
    return Answer(error=(type(error).__name__, error.args[0], str(error.args[1])))
