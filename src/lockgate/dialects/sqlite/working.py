"""
What a working SQLAlchemy connection to SQLite needs around revisions: real transactions, and care for foreign keys.

Python's sqlite3 opens no transaction before DDL, so a failed revision would stay half applied. `PRAGMA foreign_keys` does
nothing inside a transaction, and a batch rebuild drops the parent table: with enforcement on, its cascading children go.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lockgate.dialects.driver import DriverSession
from lockgate.errors import Failed

_BEFORE = "lockgate_violations"


def prepare(connection: Any) -> None:
    """Make SQLAlchemy's `begin` a real BEGIN, whatever mode env.py chose."""
    from sqlalchemy import event  # not above: a look imports this package too, and is quick because it needs no SQLAlchemy

    connection.connection.dbapi_connection.isolation_level = None
    event.listen(connection, "begin", _begin)


def _begin(connection: Any) -> None:
    # Inside an autocommit block SQLAlchemy "begins" as well, and means nothing by it.
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return
    # The project's engine may begin by a listener of its own, which came first. An async driver's adapter does not tell, and
    # a connection that was taken out of its pool does not know its driver's any more.
    if not connection.dialect.get_driver_connection(connection.connection.dbapi_connection).in_transaction:
        connection.exec_driver_sql("begin immediate")


@contextmanager
def around_step(connection: Any) -> Iterator[None]:
    """Switch enforcement off before the revision's transaction and restore it after; remember the violations of before."""
    session = DriverSession(connection.connection.dbapi_connection)
    enforced = bool(session.execute("pragma foreign_keys")[0][0])
    if enforced:
        session.execute("pragma foreign_keys = off")
        connection.info[_BEFORE] = _violations(session)
    try:
        yield
    finally:
        if enforced and not connection.closed:
            connection.info.pop(_BEFORE, None)
            if connection.in_transaction():
                connection.rollback()
            session.execute("pragma foreign_keys = on")


def before_commit(connection: Any) -> None:
    """
    Refuse to commit rows whose parent is gone, where the project enforces foreign keys.

    Raises:
        Failed: `foreign-key-violations`; violations that were there before the revision do not count.
    """
    before = connection.info.get(_BEFORE)
    if before is None:
        return
    new = _violations(DriverSession(connection.connection.dbapi_connection)) - before
    if new:
        table, _, parent, _ = sorted(new, key=str)[0]
        raise Failed(
            "foreign-key-violations",
            f"the revision leaves {len(new)} row{'s' if len(new) != 1 else ''} without a parent, the first in `{table}` (parent table `{parent}`)",
            hint="delete or mend these rows in the revision itself: cascades do not run while a table is rebuilt",
        )


def _violations(session: DriverSession) -> frozenset[tuple[object, ...]]:
    return frozenset(session.execute("pragma foreign_key_check"))
