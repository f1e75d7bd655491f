"""DROP INDEX without CONCURRENTLY."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.snippets import autocommit, literal, schema_argument


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one note per index that a DROP INDEX takes away from a live table."""
    for statement in plan.statements:
        for change in statement.live_changes:
            lock = statement.strong_lock_on(change.owner)
            if lock and statement.effect.command == "DROP INDEX" and change.kind == "index" and change.how == "dropped":
                what = f"`{lock.relation.path}` is locked against reads and writes until the index `{change.name}` is gone"
                options = schema_argument(change.schema) + ", postgresql_concurrently=True"
                safer = autocommit([f"op.drop_index({literal(change.name)}, {literal(lock.relation.name)}{options})"])
                yield statement.finding(RULE, Severity.NOTE, lock.relation, what=what, safer=safer, estimate=statement.blocked)


RULE = Rule("LG208", "drop-index", "dropping an index locks its table", find)
