"""Sessions over SQLAlchemy connections that belong to somebody else; the only module here that needs SQLAlchemy at import."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.exc import InvalidRequestError

from lockgate.permit import Row

# Tells lockgate's own statements from a revision's, on the connection that both use.
OURS = {"lockgate_own": True}


@lru_cache(maxsize=64)
def _text(sql: str) -> TextClause:
    return text(sql)  # which looks for parameters anew each time, in statements that are written once a revision


class AlchemySession:
    """
    lockgate's statements on a SQLAlchemy connection, sync or the sync face of an async one.

    Raises:
        InvalidRequestError: the connection was lost. SQLAlchemy would quietly make another one, which neither holds the lock nor
            passed the gate, and would wait for it as long as the driver likes.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> list[Row]:
        """Run one statement; see `lockgate.permit.Session`."""
        self._refuse_another()
        # Without parameters the text goes to the driver as it is: SQLAlchemy would read a colon in it as a parameter.
        if params:
            result = self.connection.execute(_text(sql), dict(params), execution_options=OURS)
        else:
            result = self.connection.exec_driver_sql(sql, execution_options=OURS)
        return [tuple(row) for row in result.fetchall()] if result.returns_rows else []

    def write(self, sql: str, params: Mapping[str, object] | None = None) -> int:
        """Run one writing statement; see `lockgate.permit.Session`."""
        self._refuse_another()
        return int(self.connection.execute(_text(sql), dict(params or {}), execution_options=OURS).rowcount)

    def commit(self) -> None:
        """Commit the open transaction."""
        self.connection.commit()

    def rollback(self) -> None:
        """Undo the open transaction; quiet where the connection is gone."""
        if not self.connection.closed and not self.connection.invalidated:
            self.connection.rollback()

    def _refuse_another(self) -> None:
        if self.connection.invalidated:
            raise InvalidRequestError("the connection was lost, and no other one may take its place")
