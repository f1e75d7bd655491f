"""
What a working SQLAlchemy connection to SQLite needs around revisions: real transactions, and care for foreign keys.

Python's sqlite3 opens no transaction before DDL, so a failed revision would stay half applied. `PRAGMA foreign_keys` does
nothing inside a transaction, and a batch rebuild drops the parent table: with enforcement on, its cascading children go.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lockgate.dialects.driver import DriverSession
from lockgate.dialects.parts import Patience
from lockgate.dialects.sqlite.session import facts
from lockgate.errors import Busy, Failed

_BEFORE, _PATIENCE = "lockgate_violations", "lockgate_patience"
_SAY_AGAIN = 5.0  # seconds between two messages of a waiting run


def prepare(connection: Any, lock_timeout: float, patience: Patience) -> None:
    """
    Make SQLAlchemy's `begin` a real BEGIN, whatever mode env.py chose.

    Args:
        lock_timeout: seconds one BEGIN waits for another writer; tried again for as long as `patience` says.
    """
    from sqlalchemy import event  # not above: a look imports this package too, and is quick because it needs no SQLAlchemy

    connection.connection.dbapi_connection.isolation_level = None
    connection.info[_PATIENCE] = (lock_timeout, patience)
    event.listen(connection, "begin", _begin)


def _begin(connection: Any) -> None:
    # Inside an autocommit block SQLAlchemy "begins" as well, and means nothing by it.
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return
    # The project's engine may begin by a listener of its own, which came first. An async driver's adapter does not tell, and
    # a connection that was taken out of its pool does not know its driver's any more.
    if not connection.dialect.get_driver_connection(connection.connection.dbapi_connection).in_transaction:
        _begin_patiently(connection, *connection.info[_PATIENCE])


def _begin_patiently(connection: Any, lock_timeout: float, patience: Patience) -> None:
    """Wait for another writer in short tries: a single long one would be deaf to signals, and silent."""
    session = DriverSession(connection.connection.dbapi_connection)
    usual = session.execute("pragma busy_timeout")[0][0]
    session.execute(f"pragma busy_timeout = {round(lock_timeout * 1000)}")
    began = time.monotonic()
    said = -_SAY_AGAIN
    try:
        while True:
            try:
                session.execute("begin immediate")
                return
            except Exception as error:
                found, waited = facts(getattr(error, "orig", None) or error), time.monotonic() - began
                if found is None or found.kind != "lock-timeout":
                    raise
                if waited >= patience.seconds:
                    what = f"another process writes to this SQLite file, still after {waited:.0f} s"
                    raise Busy("lock-timeout", what, hint="find it (`fuser FILE`) or raise `lock_wait`; then run the command again") from error
            if waited - said >= _SAY_AGAIN:
                said = waited
                patience.say(f"waiting for another writer of this SQLite file ({waited:.0f} s of {patience.seconds:.0f} s)")
    finally:
        session.execute(f"pragma busy_timeout = {usual}")


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
