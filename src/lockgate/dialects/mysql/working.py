"""What a working SQLAlchemy connection to MariaDB or MySQL needs around revisions: timeouts."""

from __future__ import annotations

import math
from typing import Any

from lockgate.permit import Session

DEFAULT_LOCK_TIMEOUT = 1.0  # seconds; as on PostgreSQL
_WAITS = ("lock_wait_timeout", "innodb_lock_wait_timeout")


def prepare(connection: Any, lock_timeout: float | None, statement_timeout: float | None) -> None:
    """Set the session's timeouts; the server counts in whole seconds, at least one."""
    from lockgate.dialects.alchemy import AlchemySession  # not above: a look imports this package too, and needs no SQLAlchemy

    session = AlchemySession(connection)
    for name in _WAITS:
        own, general = session.execute(f"select cast(coalesce(@lockgate_{name}, @@session.{name}) as signed), @@global.{name}")[0]
        if lock_timeout is not None or str(own) == str(general):
            _wait(session, name, lock_timeout or DEFAULT_LOCK_TIMEOUT)
        else:
            _wait(session, name, float(str(own)))
    if statement_timeout is not None:
        limit(session, statement_timeout)
    session.commit()


def bound_waiting(session: Session, seconds: float) -> None:
    """Bound how long the session's statements wait, for a table and for a row; `prepare` must not take that for env.py's own choice."""
    for name in _WAITS:
        session.execute(f"set @lockgate_{name} = coalesce(@lockgate_{name}, @@session.{name})")
        _wait(session, name, seconds)


def _wait(session: Session, name: str, seconds: float) -> None:
    session.execute(f"set session {name} = {max(1, math.ceil(seconds))}")


def limit(session: Session, seconds: float) -> None:
    """Bound the session's statements: all of them on MariaDB, those that only read on MySQL, which has no other limit."""
    if session.execute("show variables like 'max_statement_time'"):
        session.execute(f"set session max_statement_time = {seconds}")
    else:
        session.execute(f"set session max_execution_time = {round(seconds * 1000)}")


