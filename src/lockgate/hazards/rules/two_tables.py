"""Two live tables are locked one after the other in one transaction."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement, key
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.seen import Relation
from lockgate.hazards.snippets import comment


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per transaction, at the statement that locks the second table."""
    for transaction in plan.transactions:
        first: tuple[Statement, Relation] | None = None
        for statement in transaction:
            locks = [lock for lock in statement.strong_locks if first is None or key(lock.relation) != key(first[1])]
            if locks and first is None:
                first = (statement, locks[0].relation)
            elif locks and first is not None:
                what = (
                    f"`{first[1].path}` is locked already when `{locks[0].relation.path}` is asked for; a transaction of the application "
                    "that takes them the other way round ends in a deadlock"
                )
                safer = comment(f"one table per revision: move what touches {locks[0].relation.name} into the next one")
                yield statement.finding(RULE, Severity.NOTE, locks[0].relation, what=what, safer=safer)
                break


RULE = Rule("LG103", "two-tables", "two tables are locked in one transaction", find)
