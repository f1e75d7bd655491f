"""A session over a DB-API connection that belongs to somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from lockgate.permit import Row

# Whoever made a connection may like to have rows as dictionaries, in which two columns of one name are one.
_TUPLES = {
    "psycopg": ("row_factory", "psycopg.rows", "tuple_row"),
    "psycopg2": ("cursor_factory", "psycopg2.extensions", "cursor"),
    "pymysql": ("cursor", "pymysql.cursors", "Cursor"),
    "MySQLdb": ("cursorclass", "MySQLdb.cursors", "Cursor"),
}


def plain_cursor(connection: Any) -> Any:
    """Return a cursor whose rows are tuples, whatever the connection's own ones give."""
    driver = type(connection).__module__.partition(".")[0]
    if driver not in _TUPLES:
        return connection.cursor()
    option, module, name = _TUPLES[driver]
    return connection.cursor(**{option: getattr(import_module(module), name)})


class DriverSession:
    """Parameterless reading on a DB-API connection that nobody has wrapped yet: SQLAlchemy's `connect` event."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> list[Row]:
        """Run one statement without parameters."""
        cursor = plain_cursor(self.connection)
        try:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            cursor.close()

    def write(self, sql: str, params: Mapping[str, object] | None = None) -> int:
        """Run one writing statement without parameters."""
        cursor = plain_cursor(self.connection)
        try:
            cursor.execute(sql)
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def commit(self) -> None:
        """Commit the open transaction."""
        self.connection.commit()

    def rollback(self) -> None:
        """Undo the open transaction."""
        self.connection.rollback()
