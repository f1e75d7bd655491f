"""NOT NULL, and a row has no value."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement, wants_a_value
from lockgate.hazards.faults import broken
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.seen import Change
from lockgate.hazards.snippets import execute, identifier, literal, schema_argument

_STATES = ("23502",)


def find(plan: Plan) -> Iterator[Finding]:
    """Yield what failed on the scratch, and new columns that no row of the target has a value for."""
    for statement in plan.statements:
        if broken(statement, _STATES):
            yield statement.finding(RULE, Severity.ERROR, what=broken(statement, _STATES))
        for change in statement.live_changes:
            table = statement.plan.table(change.original)
            if _has_no_value(change) and table and statement.is_live(table):
                size = plan.yardstick.size(table)
                severity = Severity.NOTE if size and size.rows == 0 else Severity.ERROR
                what = f"`{change.table}.{change.name}` is NOT NULL without a default: this fails as soon as `{table.path}` has a row"
                yield statement.finding(RULE, severity, table, what=what, safer=_safer(statement, change))


def _has_no_value(change: Change) -> bool:
    return change.kind == "column" and change.how == "added" and wants_a_value(change) and not change.after.get("implicit")


def _safer(statement: Statement, change: Change) -> str:
    table, column = identifier(change.schema, change.table), identifier("", change.name)
    return "\n".join(
        [
            execute(f"ALTER TABLE {table} ADD COLUMN {column} {change.after.get('type', '...')}"),
            f"# fill {column} in batches, then in a later revision:",
            f"op.alter_column({literal(change.table)}, {literal(change.name)}, nullable=False{schema_argument(change.schema)})",
        ]
    )


RULE = Rule("LG401", "not-null-rows", "a row has no value for a NOT NULL column", find)
