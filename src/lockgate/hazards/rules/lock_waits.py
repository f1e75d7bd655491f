"""Somebody holds a table of the plan who will not let go of it soon."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.answers import Holder
from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.snippets import comment

_WORDS = {
    "idle": "is idle in a transaction that has been open for {seconds:,.0f} s ({who})",
    "prepared": "is in a transaction that was prepared {seconds:,.0f} s ago and that nobody has ended ({who})",
    "wraparound": "is being vacuumed to prevent wraparound, which does not give way ({who})",
    "session": "is in a transaction that has been open for {seconds:,.0f} s ({who})",
}
_LONG_S = 60.0  # an ordinary transaction that is older than this is a report, a dump or forgotten


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per table and transaction, at the first statement that would wait for it."""
    seen = set()
    for statement in plan.statements:
        for lock in statement.effect.locks:
            for holder in statement.in_the_way(lock):
                if holder not in seen and (holder.kind != "session" or holder.seconds >= _LONG_S):
                    seen.add(holder)
                    what = f"`{holder.table}` {_WORDS[holder.kind].format(seconds=holder.seconds, who=holder.who)}: the statement waits for its end"
                    yield statement.finding(RULE, Severity.WARNING, lock.relation, what=what, safer=_safer(holder))


def _safer(holder: Holder) -> str:
    if holder.kind == "wraparound":
        return "# wait until autovacuum is through with it: ended, it begins again"
    if holder.kind == "prepared":
        return comment(f"end it first, from a session of its owner: COMMIT PREPARED or ROLLBACK PREPARED ({holder.who})")
    return comment(f"let it end before the upgrade, or end it: {holder.who}")


RULE = Rule("LG801", "lock-waits", "somebody holds the table for long", find)
