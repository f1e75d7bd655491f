"""A live table is locked against everything, for however short a time."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.rules.short_lock import is_lesser
from lockgate.hazards.seen import Lock
from lockgate.hazards.snippets import PATIENCE
from lockgate.hazards.waiting import waits_on


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per statement, as bad as the wait that was to be seen is long: the work done under the lock is for other rules."""
    for statement in plan.statements:
        locks = [lock for lock in statement.strong_locks if lock.strongest == "AccessExclusiveLock"]
        if locks and not is_lesser(statement):
            yield _finding(statement, locks)


def _finding(statement: Statement, locks: list[Lock]) -> Finding:
    others = f" (and {len(locks) - 1} more)" if len(locks) > 1 else ""
    wait = statement.wait
    behind, until = (wait.behind, wait.until) if wait else ("for the longest transaction on it", _usual(statement))
    what = f"the request for `{locks[0].relation.path}`{others} waits {behind}, and everybody else waits behind the request; {until}"
    severity = statement.plan.severity(wait.estimate) if wait and not wait.lasts else Severity.NOTE  # who lasts is told by another rule
    estimate = wait.estimate if wait else statement.work
    return statement.finding(RULE, severity, locks[0].relation, what=what, safer=PATIENCE, estimate=estimate)


def _usual(statement: Statement) -> str:
    if waits_on(statement.effect):
        return "outside of a transaction `lockgate upgrade` sets no lock timeout"
    return "`lockgate upgrade` gives up after the lock timeout and tries again"


RULE = Rule("LG101", "access-exclusive", "a table is locked against reads and writes", find)
