"""A new type leaves the table's file as it is, but constraints are checked or indexes built again."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding
from lockgate.hazards.seen import Relation
from lockgate.hazards.snippets import execute, identifier, table_of


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per table that is read, not counting those that are rewritten."""
    for statement in plan.statements:
        if statement.scan_cause == "type":
            rewritten = {rewrite.relation.path for rewrite in statement.effect.rewrites}
            built = (statement.plan.table(build.relation.table) for build in statement.blocked_builds)
            tables = {table.path: table for table in (*statement.blocked_scans, *built) if table and table.path not in rewritten}
            for table in tables.values():
                yield _finding(statement, table)


def _finding(statement: Statement, table: Relation) -> Finding:
    what = (
        f"the type changes without a copy, but constraints of `{table.path}` are checked against every row, or its indexes are built again"
    )
    checks = [
        change
        for change in statement.effect.changes
        if change.kind == "constraint" and (change.schema, change.table) == (table.schema, table.name)
    ]
    lines = [execute(f"ALTER TABLE {table_of(table)} DROP CONSTRAINT {identifier('', check.name)}") for check in checks]
    safer = "\n".join([*lines, "# change the type, then add it again as NOT VALID, and VALIDATE it in another revision"]) if lines else ""
    return statement.timed(RULE, table, what=what, safer=safer, estimate=statement.blocked)


RULE = Rule("LG209", "type-check", "a new type checks every row again", find)
