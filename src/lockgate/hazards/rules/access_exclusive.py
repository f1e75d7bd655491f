"""A live table is locked against everything, for however short a time."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.rules.short_lock import is_lesser
from lockgate.hazards.seen import Lock
from lockgate.hazards.snippets import PATIENCE


def find(plan: Plan) -> Iterator[Finding]:
    """Yield a note per statement: the work done under the lock is for other rules."""
    for statement in plan.statements:
        locks = [lock for lock in statement.strong_locks if lock.strongest == "AccessExclusiveLock"]
        if locks and not is_lesser(statement):
            yield _finding(statement, locks)


def _finding(statement: Statement, locks: list[Lock]) -> Finding:
    others = f" (and {len(locks) - 1} more)" if len(locks) > 1 else ""
    what = (
        f"the request for `{locks[0].relation.path}`{others} waits for the longest transaction on it{_longest(statement, locks)}, and everybody "
        "else waits behind the request; `lockgate upgrade` gives up after the lock timeout and tries again"
    )
    return statement.finding(RULE, Severity.NOTE, locks[0].relation, what=what, safer=PATIENCE, estimate=statement.work)


def _longest(statement: Statement, locks: list[Lock]) -> str:
    """How long it was when the target was asked, where one was in the way."""
    seconds = max((holder.seconds for lock in locks for holder in statement.in_the_way(lock)), default=None)
    return "" if seconds is None else f" (open for {seconds:,.0f} s now)"


RULE = Rule("LG101", "access-exclusive", "a table is locked against reads and writes", find)
