"""What a working SQLAlchemy connection to PostgreSQL needs around revisions: timeouts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

DEFAULT_LOCK_TIMEOUT = 1.0  # seconds; longest wait a blocked reader then sees is as long (reliability.md, section 5)
_ACTIVE = "lockgate_lock_timeout"


def prepare(connection: Any, lock_timeout: float | None, statement_timeout: float | None) -> None:
    """Set the session's timeouts outside any transaction: set inside one, a rollback would take them away."""
    current = connection.exec_driver_sql("select setting::int from pg_catalog.pg_settings where name = 'lock_timeout'").scalar_one()
    limit = current if lock_timeout is None and current else round((lock_timeout or DEFAULT_LOCK_TIMEOUT) * 1000)
    connection.exec_driver_sql(f"set lock_timeout = {limit}")
    if statement_timeout is not None:
        connection.exec_driver_sql(f"set statement_timeout = {round(statement_timeout * 1000)}")
    connection.commit()
    connection.info[_ACTIVE] = limit


@contextmanager
def without_lock_timeout(connection: Any) -> Iterator[None]:
    """
    Wait without a bound inside an autocommit block.

    CREATE INDEX CONCURRENTLY waits for every older transaction by design; a bound of a second would leave an INVALID index.
    """
    connection.exec_driver_sql("set lock_timeout = 0")
    try:
        yield
    finally:
        if not connection.invalidated and not connection.closed:
            connection.exec_driver_sql(f"set lock_timeout = {connection.info[_ACTIVE]}")
