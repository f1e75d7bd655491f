"""Errors of a driver on lockgate's own connection, in our words."""

from __future__ import annotations

from lockgate.dialects.parts import ErrorFacts
from lockgate.errors import Busy, Failed, LockgateError, Refused


def driver_error(facts: ErrorFacts, where: str) -> LockgateError:
    """Return the error of ours that a driver's error on lockgate's own connection is."""
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
            f"a table's lock was not free in time: {facts.message}",
            where,
            "find the long transaction, then run the command again",
        )
    return Failed("database-error", f"the database refused: {facts.message}", where, "look at the server's log for the statement")
