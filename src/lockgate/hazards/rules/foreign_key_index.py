"""A foreign key whose own columns have no index."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.seen import Change
from lockgate.hazards.snippets import autocommit, columns_of, literal, schema_argument


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per foreign key that is made on a new table or new columns: only then the plan has seen every index."""
    changes = [(statement, change) for statement in plan.statements for change in statement.effect.changes]
    indexes = [change for _, change in changes if change.kind == "index" and change.how == "added"]
    columns = {(change.schema, change.table, change.name) for _, change in changes if change.kind == "column" and change.how == "added"}
    for statement, change in changes:
        if change.kind == "constraint" and change.how == "added" and change.after.get("kind") == "foreign key":
            named = columns_of(change)
            new = not change.original or all((change.schema, change.table, name) in columns for name in named)
            if new and not any(_leads(index, change, named) for index in indexes):
                other = change.after.get("references", "the other table")
                what = f"no index begins with {', '.join(named)} of `{change.table}`: every DELETE in `{other}` reads all of it"
                yield statement.finding(RULE, Severity.NOTE, what=what, safer=_safer(change, named), name=change.owner)


def _leads(index: Change, key: Change, columns: list[str]) -> bool:
    same = (index.schema, index.table) == (key.schema, key.table)
    return same and not index.after.get("predicate") and set(columns_of(index)[: len(columns)]) == set(columns)


def _safer(change: Change, columns: list[str]) -> str:
    name = f"ix_{change.table}_{'_'.join(columns)}"
    listed = ", ".join(literal(column) for column in columns)
    plain = f"op.create_index({literal(name)}, {literal(change.table)}, [{listed}]{schema_argument(change.schema)}"
    return f"{plain})" if not change.original else autocommit([f"{plain}, postgresql_concurrently=True)"])


RULE = Rule("LG701", "foreign-key-index", "a foreign key has no index of its own", find)
