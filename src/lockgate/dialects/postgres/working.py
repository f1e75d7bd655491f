"""What a working SQLAlchemy connection to PostgreSQL needs around revisions: timeouts, and a wire that notices when it is cut."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lockgate.dialects.driver import plain_cursor
from lockgate.dialects.postgres.wire import IDLE, INTERVAL, PROBES, UNANSWERED

DEFAULT_LOCK_TIMEOUT = 1.0  # seconds; longest wait a blocked reader then sees is as long (reliability.md, section 5)
_LIMITS = "lockgate_limits"
_LOCK_TIMEOUT = "select cast(setting as integer) from pg_catalog.pg_settings where name operator(pg_catalog.=) 'lock_timeout'"


def prepare(connection: Any, lock_timeout: float | None, statement_timeout: float | None) -> None:
    """Choose the session's timeouts and set them; keep the connection's wire alive."""
    current = connection.exec_driver_sql(_LOCK_TIMEOUT).scalar_one()
    limits = {"lock_timeout": current if lock_timeout is None and current else round((lock_timeout or DEFAULT_LOCK_TIMEOUT) * 1000)}
    if statement_timeout is not None:
        limits["statement_timeout"] = round(statement_timeout * 1000)
    connection.info[_LIMITS] = limits
    limit(connection)
    keep_alive(connection.connection.driver_connection)


def limit(connection: Any) -> None:
    """
    Set the session's timeouts outside any transaction: set inside one, a rollback would take them away.
    """
    connection.exec_driver_sql(f"select {_settings(connection)}")
    connection.commit()


def open_step(connection: Any, held: str, savepoint: str) -> tuple[str, bool]:
    """
    Set the timeouts again, for a revision and all that comes after it; see `Dialect.open_step`.

    Args:
        held: the condition that the session holds the lock.
    """
    sql = f"select pg_catalog.txid_current(), case when {held} then 1 else 0 end, {_settings(connection)}"
    driver = connection.connection.driver_connection
    if _pipelines(driver):
        with _quiet(), driver.pipeline():  # BEGIN goes the same way, and one answer is waited for
            cursor = plain_cursor(driver).execute(sql)
            driver.execute(f"savepoint {savepoint}")
            transaction, holds, *_ = cursor.fetchone()
    else:
        transaction, holds, *_ = connection.exec_driver_sql(sql).one()
        connection.exec_driver_sql(f"savepoint {savepoint}")
    return str(transaction), bool(holds)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep psycopg from saying on standard error that a lost connection's pipeline could not be ended well."""
    logger = logging.getLogger("psycopg")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _pipelines(driver: Any) -> bool:
    """Whether this is a connection of psycopg 3, not of its asynchronous half, over a libpq that can send ahead (14 and later)."""
    psycopg = sys.modules.get("psycopg")
    return psycopg is not None and isinstance(driver, psycopg.Connection) and bool(psycopg.Pipeline.is_supported())


def _settings(connection: Any) -> str:
    return ", ".join(f"pg_catalog.set_config('{name}', '{ms}', false)" for name, ms in connection.info[_LIMITS].items())


@contextmanager
def without_lock_timeout(connection: Any) -> Iterator[None]:
    """
    Wait without a bound inside an autocommit block.

    CREATE INDEX CONCURRENTLY waits for every older transaction by design; a bound of a second would leave an INVALID index.
    """
    from lockgate.dialects.alchemy import OURS  # not above: a look imports this module too, and needs no SQLAlchemy

    connection.exec_driver_sql("set lock_timeout = 0", execution_options=OURS)
    try:
        yield
    finally:
        if not connection.invalidated and not connection.closed:
            connection.exec_driver_sql(f"set lock_timeout = {connection.info[_LIMITS]['lock_timeout']}", execution_options=OURS)


def cancel(driver_connection: Any) -> None:
    """Ask the server to stop a statement of psycopg or psycopg2; an async driver stops its own when its task is cancelled."""
    ask = getattr(driver_connection, "cancel_safe", None) or getattr(driver_connection, "cancel", None)
    if ask is not None:
        ask()


def keep_alive(driver_connection: Any) -> None:
    """Notice within a minute or so that the server is gone, whoever made the connection; asyncpg shows no socket of its own."""
    number = getattr(driver_connection, "fileno", None)
    if number is None or not hasattr(socket, "TCP_KEEPIDLE"):
        return
    with socket.socket(fileno=os.dup(number())) as wire:
        if wire.family not in (socket.AF_INET, socket.AF_INET6):
            return
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("TCP_KEEPIDLE", IDLE), ("TCP_KEEPINTVL", INTERVAL), ("TCP_KEEPCNT", PROBES)):
            wire.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED)
