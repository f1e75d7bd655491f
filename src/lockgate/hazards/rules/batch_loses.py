"""Batch mode drops a table's triggers, CHECK constraints and indexes over expressions, and does not make them again."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.seen import Change
from lockgate.hazards.snippets import execute, literal


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per thing that no later statement of the plan makes again."""
    for statement in plan.statements:
        if any(rewrite.reason == "batch" for rewrite in statement.effect.rewrites):
            for change in statement.live_changes:
                if _is_lost(change) and not _comes_back(plan, statement, change):
                    yield _finding(statement, change)


def _is_lost(change: Change) -> bool:
    """Alembic reflects what it copies, and reflects none of these (a CHECK without a name has its text for one); other indexes and constraints go only if the revision says so."""
    silent = (
        change.kind == "trigger"
        or (change.before.get("kind") == "check" and change.name == change.before.get("definition"))
        or (change.kind == "index" and not change.before.get("columns"))
    )
    return change.how == "dropped" and silent


def _comes_back(plan: Plan, statement: Statement, lost: Change) -> bool:
    later = (change for other in plan.statements if other.place > statement.place for change in other.effect.changes)
    return any(change.how == "added" and (change.kind, change.table, change.name) == (lost.kind, lost.table, lost.name) for change in later)


def _finding(statement: Statement, change: Change) -> Finding:
    name = change.owner
    label = "CHECK constraint" if change.kind == "constraint" else change.kind
    what = f"batch mode does not make the {label} `{change.name}` of `{name}` again: it is gone without a word"
    definition = " ".join(str(change.before.get("definition", "")).split())
    if change.kind == "constraint":
        check = definition.removeprefix("CHECK ").removeprefix("(").removesuffix(")")
        safer = f"with op.batch_alter_table({literal(change.table)}, table_args=[sa.CheckConstraint({literal(check)}, name=...)]) as batch:\n    ..."
    else:
        safer = f"# behind the batch:\n{execute(definition)}"
    severity = Severity.WARNING if change.kind == "index" and not change.before.get("unique") else Severity.ERROR
    return statement.finding(RULE, severity, statement.plan.table(name), what=what, safer=safer, name=name)


RULE = Rule("LG305", "batch-loses", "batch mode loses what hangs on the table", find)
