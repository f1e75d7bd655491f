"""Sessions over SQLAlchemy connections that belong to somebody else; the only module here that needs SQLAlchemy at import."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import CursorResult, Dialect, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.sql.compiler import SQLCompiler

from lockgate.permit import Row

# Tells lockgate's own statements from a revision's, on the connection that both use.
OURS = {"lockgate_own": True}


@lru_cache(maxsize=64)
def _compiled(sql: str, dialect: Dialect) -> SQLCompiler:
    """Put parameters as the driver wants them; once, because some statements are written for every revision."""
    return text(sql).compile(dialect=dialect)


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
        result = self._run(sql, params)
        return [tuple(row) for row in result.fetchall()] if result.returns_rows else []

    def write(self, sql: str, params: Mapping[str, object] | None = None) -> int:
        """Run one writing statement; see `lockgate.permit.Session`."""
        return int(self._run(sql, params).rowcount)

    def commit(self) -> None:
        """Commit the open transaction."""
        self.connection.commit()

    def rollback(self) -> None:
        """Undo the open transaction; quiet where the connection is gone."""
        if not self.connection.closed and not self.connection.invalidated:
            self.connection.rollback()

    def _run(self, sql: str, params: Mapping[str, object] | None) -> CursorResult[Any]:
        self._refuse_another()
        # Without parameters the text goes to the driver as it is: SQLAlchemy would read a colon in it as a parameter.
        if not params:
            return cast("CursorResult[Any]", self.connection.exec_driver_sql(sql, execution_options=OURS))
        compiled = _compiled(sql, self.connection.dialect)
        values: Any = compiled.construct_params(params)
        if compiled.positiontup is not None:
            values = tuple(values[name] for name in compiled.positiontup)
        return cast("CursorResult[Any]", self.connection.exec_driver_sql(compiled.string, values, execution_options=OURS))

    def _refuse_another(self) -> None:
        if self.connection.invalidated:
            raise InvalidRequestError("the connection was lost, and no other one may take its place")
