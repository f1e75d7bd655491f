"""A new column whose values differ from row to row copies the table."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding
from lockgate.hazards.seen import Change, Rewrite
from lockgate.hazards.snippets import execute, identifier, table_of


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per live table that is rewritten for a column's values."""
    for statement in plan.statements:
        for rewrite in statement.effect.rewrites:
            if rewrite.reason == "default" and statement.is_live(rewrite.relation):
                yield _finding(statement, rewrite)


def _finding(statement: Statement, rewrite: Rewrite) -> Finding:
    table = rewrite.relation
    added = [change for change in statement.effect.changes if _is_new_column(change, table.schema, table.name)]
    names = ", ".join(f"`{change.name}`" for change in added)
    what = (
        f"the server writes all of `{table.path}` anew, because each row gets a value of its own for {names or 'a new column'}; "
        "nobody can read it meanwhile"
    )
    return statement.timed(RULE, table, what=what, safer="\n".join(_safer(table_of(table), added)), estimate=statement.blocked)


def _is_new_column(change: Change, schema: str, table: str) -> bool:
    return change.kind == "column" and change.how == "added" and (change.schema, change.table) == (schema, table)


def _safer(table: str, added: list[Change]) -> Iterator[str]:
    for change in added:
        name, default = identifier("", change.name), change.after.get("default")
        yield execute(f"ALTER TABLE {table} ADD COLUMN {name} {change.after.get('type', '...')}")
        if default and not change.after.get("generated"):
            yield execute(f"ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT {default}")
        yield f"# then fill {name} of the rows that are there in batches, outside of the transaction"


RULE = Rule("LG202", "rewrite-default", "a new column copies the whole table", find)
