"""Errors of a driver on lockgate's own connection, in our words."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from lockgate.dialects.base import BareSession, Dialect
from lockgate.dialects.parts import ErrorFacts
from lockgate.errors import Busy, Failed, LockgateError, Refused

PATIENCE_S = 10.0  # of a look for a table that somebody holds exclusively


def told_by(error: Exception, dialect: Dialect, session: BareSession, where: str) -> LockgateError | None:
    """Return the error of ours that one of the session's is, with who holds the table that it waited for; None for none of the driver's."""
    facts = dialect.facts(error)
    if facts is None:
        return None
    return driver_error(facts, where, _held(dialect, session) if facts.kind == "lock-timeout" else ())


def _held(dialect: Dialect, session: BareSession) -> Sequence[str]:
    with suppress(Exception):  # the first error is the one to show
        session.rollback()
        dialect.bound_waiting(session, PATIENCE_S)
        return dialect.blockers(session, "")
    return ()


def driver_error(facts: ErrorFacts, where: str, held: Sequence[str] = ()) -> LockgateError:
    """
    Return the error of ours that a driver's error on lockgate's own connection is.

    Args:
        held: who holds tables, a line each, where that is the trouble and could be told.
    """
    if facts.kind == "permission":
        return Failed(
            "permission-denied",
            f"the role may not do this: {facts.message}",
            where,
            "the role must own the database, or own its objects and may CREATE in it",
        )
    if facts.kind == "read-only":
        return Refused("read-only", f"this database can only be read: {facts.message}", where, "use a role and a server that may write")
    if facts.kind == "lock-timeout":
        return Busy(
            "lock-timeout",
            "\n".join([f"a table's lock was not free in time: {facts.message}", *(f"held: {line}" for line in held)]),
            where,
            "end that session, or wait for it; then run the command again" if held else "find the long transaction, then run the command again",
        )
    return Failed("database-error", f"the database refused: {facts.message}", where, "look at the server's log for the statement")
