"""A session over a DB-API connection that belongs to somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate.permit import Row


class DriverSession:
    """Parameterless reading on a DB-API connection that nobody has wrapped yet: SQLAlchemy's `connect` event."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> list[Row]:
        """Run one statement without parameters."""
        cursor = self.connection.cursor()
        try:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            cursor.close()

    def write(self, sql: str, params: Mapping[str, object] | None = None) -> int:
        """Run one writing statement without parameters."""
        cursor = self.connection.cursor()
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
