"""TRUNCATE, or a DELETE."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.answers import ALONG, Answer
from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.counted import many, of_all
from lockgate.hazards.dropped import is_empty, lost
from lockgate.hazards.effects import COPY
from lockgate.hazards.estimate import rows_of
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.seen import Relation
from lockgate.hazards.snippets import comment

_FEW, _MUCH = 100, 10_000  # rows: a tenth of a table is much, but not of fewer, and from so many on it always is


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per live table that loses rows."""
    for statement in plan.statements:
        for table in _emptied(statement):
            estimate = _deleted(statement, table)
            if estimate and estimate.count > 0:
                yield _estimated(statement, estimate, least=Severity.WARNING)
                continue
            answer = next((answer for answer in statement.answers if (answer.kind, answer.table) == ("rows", table.original)), None)
            severity, told = lost(answer)
            if is_empty(statement, table) and not (answer and answer.count > 0):
                severity = Severity.NOTE
            what = f"rows of `{table.path}`{told} are gone for good; a downgrade does not bring them back"
            safer = comment(f"keep them until the new code has run for a while: CREATE TABLE {table.name}_kept AS TABLE {table.path}")
            yield statement.finding(RULE, severity, table, what=what, safer=safer)
        yield from (_estimated(statement, answer) for answer in statement.estimated if answer.kind == "deleted" and answer.count > 0)
        yield from (_along(statement, answer) for answer in statement.answers if answer.kind in ALONG and answer.count > 0)


def _along(statement: Statement, answer: Answer) -> Finding:
    """Rows of another table, by their number."""
    table = statement.plan.table(answer.table)
    follows = "go along (ON DELETE CASCADE)" if answer.kind == "carried" else "lose what they refer to (ON DELETE SET NULL or SET DEFAULT)"
    now = f", as of now: {answer.written} writes there before" if answer.written else ""
    what = f"{many(answer.count, 'row')} of `{answer.table}` {follows} by `{answer.subject}`{now}; a downgrade does not bring that back"
    return statement.finding(RULE, Severity.ERROR if answer.count >= _FEW else Severity.WARNING, table, what=what, name=answer.table)


def _deleted(statement: Statement, table: Relation) -> Answer | None:
    return next((answer for answer in statement.answers if (answer.kind, answer.table) == ("deleted", table.original)), None)


def _estimated(statement: Statement, answer: Answer, least: Severity = Severity.NOTE) -> Finding:
    """A DELETE by the planner's estimate; `least` where that is too few to be an error."""
    table = statement.plan.table(answer.table)
    size = statement.plan.yardstick.size(table) if table else None
    every = statement.plan.effects.source == COPY and size is not None and answer.count >= rows_of(size)
    much = every or answer.count >= min(_MUCH, max(_FEW, rows_of(size) // 10 if size else 0))
    what = f"{of_all(statement, answer)} are gone for good; a downgrade does not bring them back"
    safer = comment(f"keep them until the new code has run for a while: CREATE TABLE ... AS SELECT * FROM {answer.table} WHERE ...") if much else ""
    return statement.finding(RULE, Severity.ERROR if much else least, table, what=what, safer=safer, name=answer.table)


def _emptied(statement: Statement) -> list[Relation]:
    emptied = [
        rewrite.relation for rewrite in statement.effect.rewrites if rewrite.reason == "truncate" and statement.is_live(rewrite.relation)
    ]
    told = (table for table in statement.mass_written if (answer := _deleted(statement, table)) and answer.count > 0)
    return emptied + list(statement.mass_written if statement.effect.command == "DELETE" else told)


RULE = Rule("LG303", "rows-deleted", "rows are deleted", find)
