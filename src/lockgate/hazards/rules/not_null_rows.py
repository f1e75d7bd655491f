"""NOT NULL, and a row has no value."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.answers import Answer
from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.counted import answer_about, many, severity, stops, then
from lockgate.hazards.faults import allowing, broken, missing
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.seen import Change, Relation
from lockgate.hazards.snippets import comment, execute, identifier, literal, schema_argument

_STATES = ("23502",)


def find(plan: Plan) -> Iterator[Finding]:
    """Yield what failed on the scratch, new columns that no row of the target has a value for, and old ones that some row has none in."""
    for statement in plan.statements:
        if broken(statement, _STATES):
            safer = allowing(RULE.id) if missing(plan, *_STATES) else ""
            yield statement.finding(RULE, Severity.ERROR, what=broken(statement, _STATES), safer=safer, fails=True)
        for change in statement.live_changes:
            table = statement.plan.table(change.original)
            if _has_no_value(change) and table and statement.is_live(table):
                yield _without_default(statement, change, table)
        yield from (_counted(statement, answer) for answer in statement.answers if answer.kind == "nulls" and severity(answer))


def _without_default(statement: Statement, change: Change, table: Relation) -> Finding:
    size = statement.plan.yardstick.size(table)
    answer = answer_about(statement.answers, change.name, "rows")
    rows = answer.count if answer and answer.count >= 0 else size.rows if size else -1
    told = Severity.NOTE if rows == 0 else Severity.ERROR
    has = f"and `{table.path}` has {many(answer.count, 'row')}" if answer and answer.count > 0 else f"as soon as `{table.path}` has a row"
    what = f"`{change.table}.{change.name}` is NOT NULL without a default: this fails {has}"
    fails = answer is not None and stops(answer)
    return statement.finding(RULE, told, table, what=what, safer=_safer(statement, change), fails=fails)


def _counted(statement: Statement, answer: Answer) -> Finding:
    column = f"`{answer.table}.{answer.subject}`"
    what = f"{many(answer.count, 'row')} without a value in {column} {then(answer)}"
    if answer.unknown:
        what = f"rows without a value in {column}: how many is not known ({answer.unknown})"
    safer = comment(f"fill {answer.subject} in batches, in a revision before this one")
    told, table = severity(answer) or Severity.NOTE, statement.plan.table(answer.table)
    return statement.finding(RULE, told, table, what=what, safer=safer, name=answer.table, fails=stops(answer))


def _has_no_value(change: Change) -> bool:
    return change.kind == "column" and change.how == "added" and change.wants_a_value and not change.after.get("implicit")


def _safer(statement: Statement, change: Change) -> str:
    table, column = identifier(change.schema, change.table), identifier("", change.name)
    required = f"op.alter_column({literal(change.table)}, {literal(change.name)}, nullable=False{schema_argument(change.schema)})"
    if statement.plan.is_file:
        required = f"with op.batch_alter_table({literal(change.table)}) as batch:\n    batch.alter_column({literal(change.name)}, nullable=False)"
    return "\n".join(
        [
            execute(f"ALTER TABLE {table} ADD COLUMN {column} {change.after.get('type', '...')}"),
            f"# fill {column} in batches, then in a later revision:",
            required,
        ]
    )


RULE = Rule("LG401", "not-null-rows", "a row has no value for a NOT NULL column", find)
