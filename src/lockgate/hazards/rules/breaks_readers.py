"""What running code names is renamed, dropped or detached."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.seen import Change, Drop
from lockgate.hazards.snippets import comment, execute, identifier

_RENAMED = ("schema", "table", "view", "materialized view", "column", "enum value", "function")
_DROPPED = ("schema", "table", "table column", "view", "materialized view", "foreign table", "function")


def find(plan: Plan) -> Iterator[Finding]:
    """Yield warnings: whether a known query names it is asked of the target."""
    for statement in plan.statements:
        for change in statement.live_changes:
            if change.how == "renamed" and change.kind in _RENAMED:
                what = f"the {change.kind} `{change.old_name}` is called `{change.name}` at once; code that is still running fails on it"
                yield statement.finding(RULE, Severity.WARNING, what=what, safer=_both_names(change), name=_path(change, change.old_name))
            elif change.kind == "table" and change.how == "altered" and change.before.get("partition_of"):
                what = f"the rows of `{change.name}` are no longer found in `{change.before['partition_of']}`"
                yield statement.finding(RULE, Severity.WARNING, what=what, name=_path(change, change.name))
        yield from (_dropped(statement, drop) for drop in statement.effect.drops if drop.kind in _DROPPED and not drop.new)


def _dropped(statement: Statement, drop: Drop) -> Finding:
    what = f"code that is still running and names `{drop.identity}` fails at once"
    safer = comment(f"release code that does without {drop.identity} first; drop it in the next revision")
    return statement.finding(RULE, Severity.WARNING, what=what, safer=safer, name=drop.identity)


def _path(change: Change, name: str) -> str:
    return ".".join(part for part in (change.schema, change.table, name) if part)


def _both_names(change: Change) -> str:
    if change.kind == "column":
        both = f"add {change.name}, let the code write both and read the new one, drop {change.old_name} in a later revision;"
        view = f"or keep the old name for readers in a view over {identifier(change.schema, change.table)}"
        return f"{comment(both)}\n{comment(view)}"
    if change.kind == "table":
        old, new = identifier(change.schema, change.old_name), identifier(change.schema, change.name)
        return f"# behind the rename, in the same transaction; drop it when no code uses it any more\n{execute(f'CREATE VIEW {old} AS SELECT * FROM {new}')}"
    return comment(f"release code that knows both names first: {change.old_name} and {change.name}")


RULE = Rule("LG501", "breaks-readers", "running code names what is gone", find)
