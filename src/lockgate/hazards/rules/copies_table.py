"""Alembic's batch mode copies the table."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding
from lockgate.hazards.snippets import comment


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per live table and batch."""
    for statement in plan.statements:
        for rewrite in statement.effect.rewrites:
            if rewrite.reason == "batch" and statement.is_live(rewrite.relation):
                table = rewrite.relation
                what = (
                    f"batch mode writes all rows of `{table.path}` into a new table, builds its indexes again and drops the old one; nobody else "
                    "can write to the file until COMMIT, and the file grows by as much"
                )
                safer = comment("one `op.batch_alter_table` for all changes of the table: each one copies it. ADD COLUMN (with a constant default or none),") + (
                    "\n" + comment("RENAME COLUMN and DROP COLUMN need no copy: call op.add_column, op.drop_column, or op.execute, outside of batch mode")
                )
                yield statement.timed(RULE, table, what=what, safer=safer, estimate=statement.work)


RULE = Rule("LG211", "copies-table", "the whole table is copied", find)
