"""TRUNCATE, or a DELETE of more than an index leads to."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.dropped import is_empty, lost
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.seen import Relation
from lockgate.hazards.snippets import comment


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per live table that loses rows."""
    for statement in plan.statements:
        for table in _emptied(statement):
            answer = next((answer for answer in statement.answers if (answer.kind, answer.table) == ("rows", table.original)), None)
            severity, told = lost(answer)
            if is_empty(statement, table) and not (answer and answer.count > 0):
                severity = Severity.NOTE
            what = f"rows of `{table.path}`{told} are gone for good; a downgrade does not bring them back"
            safer = comment(f"keep them until the new code has run for a while: CREATE TABLE {table.name}_kept AS TABLE {table.path}")
            yield statement.finding(RULE, severity, table, what=what, safer=safer)


def _emptied(statement: Statement) -> list[Relation]:
    emptied = [
        rewrite.relation for rewrite in statement.effect.rewrites if rewrite.reason == "truncate" and statement.is_live(rewrite.relation)
    ]
    return emptied + (list(statement.mass_written) if statement.effect.command == "DELETE" else [])


RULE = Rule("LG303", "rows-deleted", "rows are deleted", find)
