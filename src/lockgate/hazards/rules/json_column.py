"""A json column has no equality."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.snippets import execute, identifier


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one note per column of a live table."""
    for statement in plan.statements:
        for change in statement.live_changes:
            if change.kind == "column" and change.how in ("added", "altered") and change.after.get("type") == "json":
                what = f"`{change.table}.{change.name}` is json: SELECT DISTINCT and UNION over this table fail from now on"
                table, column = identifier(change.schema, change.table), identifier("", change.name)
                safer = execute(f"ALTER TABLE {table} ADD COLUMN {column} jsonb")
                yield statement.finding(RULE, Severity.NOTE, what=what, safer=safer, name=change.owner)


RULE = Rule("LG506", "json-column", "a json column has no equality", find)
