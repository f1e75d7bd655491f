"""Somebody holds a table of the plan who will not let go of it soon."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.answers import Holder
from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Estimate, Finding, Severity
from lockgate.hazards.snippets import comment
from lockgate.hazards.spans import spoken
from lockgate.hazards.waiting import in_the_way, lasts

_WORDS = {
    "idle": "was idle in a transaction that had been open for {seconds} ({who})",
    "prepared": "was in a transaction that was prepared {seconds} before and that nobody has ended ({who})",
    "wraparound": "was being vacuumed to prevent wraparound, which does not give way ({who})",
    "session": "was in a transaction that had been open for {seconds} ({who})",
}


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per table and transaction, at the first statement that would wait for it."""
    seen: set[Holder] = set()
    holders = plan.effects.preflight.holders if plan.effects.preflight else ()
    for statement in plan.statements:
        for lock in statement.effect.locks:
            for holder in in_the_way(holders, lock):
                if holder not in seen and lasts(holder):
                    seen.add(holder)
                    what = f"when the plan was made, `{holder.table}` {_told(holder)}: the statement waits for its end{_until(statement)}"
                    yield statement.finding(RULE, _severity(statement), lock.relation, what=what, safer=_safer(holder), estimate=_estimate(statement))


def _told(holder: Holder) -> str:
    return _WORDS[holder.kind].format(seconds=spoken(holder.seconds), who=holder.who)


def _until(statement: Statement) -> str:
    return f"; {statement.wait.until}" if statement.wait else ""


def _estimate(statement: Statement) -> Estimate | None:
    """Behind a weaker lock nobody waits."""
    return statement.wait.estimate if statement.wait and statement.strong_locks else None


def _severity(statement: Statement) -> Severity:
    """A warning at least; worse only where writers wait behind the statement."""
    estimate = _estimate(statement)
    return Severity.ERROR if estimate and statement.plan.severity(estimate) is Severity.ERROR else Severity.WARNING


def _safer(holder: Holder) -> str:
    if holder.kind == "wraparound":
        return "# wait until autovacuum is through with it: ended, it begins again"
    if holder.kind == "prepared":
        return comment(f"end it first, from a session of its owner: COMMIT PREPARED or ROLLBACK PREPARED ({holder.who})")
    return comment(f"let it end before the upgrade, or end it: {holder.who}")


RULE = Rule("LG801", "lock-waits", "somebody holds the table for long", find)
