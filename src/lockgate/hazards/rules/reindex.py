"""REINDEX without CONCURRENTLY."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding
from lockgate.hazards.snippets import autocommit, execute, table_of


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per statement."""
    for statement in plan.statements:
        if statement.effect.command == "REINDEX" and statement.strong_locks:
            table = statement.strong_locks[0].relation
            what = f"the indexes of `{table.path}` are built again while writers wait, and readers that would use them"
            safer = autocommit([execute(f"REINDEX TABLE CONCURRENTLY {table_of(table)}")])
            yield statement.timed(RULE, table, what=what, safer=safer, estimate=statement.blocked)


RULE = Rule("LG207", "reindex", "indexes are built again while writers wait", find)
