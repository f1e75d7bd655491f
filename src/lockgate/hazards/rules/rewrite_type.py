"""A new type of a column copies the table."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding
from lockgate.hazards.seen import Change, Rewrite
from lockgate.hazards.snippets import execute, identifier, table_of


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per live table that is rewritten for a type."""
    for statement in plan.statements:
        for rewrite in statement.effect.rewrites:
            if "type" in rewrite.reason and statement.is_live(rewrite.relation):
                yield _finding(statement, rewrite)


def _finding(statement: Statement, rewrite: Rewrite) -> Finding:
    table = rewrite.relation
    changed = [change for change in statement.effect.changes if _is_type(change, table.schema, table.name)]
    columns = ", ".join(f"`{change.name}` from {change.before.get('type')} to {change.after['type']}" for change in changed)
    indexes = f" with {rewrite.indexes} {'index' if rewrite.indexes == 1 else 'indexes'}" if rewrite.indexes else ""
    what = (
        f"the server writes all of `{table.path}` anew{indexes} to change {columns or 'a type'}; nobody can read it meanwhile, "
        "and as much room is needed a second time"
    )
    return statement.timed(RULE, table, what=what, safer="\n".join(_safer(table_of(table), changed)), estimate=statement.blocked)


def _is_type(change: Change, schema: str, table: str) -> bool:
    return (
        change.kind == "column" and change.how == "altered" and "type" in change.after and (change.schema, change.table) == (schema, table)
    )


def _safer(table: str, changed: list[Change]) -> Iterator[str]:
    for change in changed:
        old, new = identifier("", change.name), identifier("", f"{change.name}_new")
        yield execute(f"ALTER TABLE {table} ADD COLUMN {new} {change.after['type']}")
        yield f"# let the application or a trigger write both, fill {new} in batches, then in a later revision:"
        yield execute(f"ALTER TABLE {table} DROP COLUMN {old}")
        yield execute(f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}")


RULE = Rule("LG201", "rewrite-type", "a new type copies the whole table", find)
