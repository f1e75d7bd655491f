"""Running code leaves out a column that is now NOT NULL."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.seen import Change
from lockgate.hazards.sending import broken
from lockgate.hazards.snippets import execute, identifier, literal


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one warning per column that has to be given from now on."""
    for statement in plan.statements:
        for change in statement.live_changes:
            if _is_required(change) and not _was_proved(statement, change):
                what = f"an INSERT of running code that leaves out `{change.table}.{change.name}`, or gives NULL, fails at once"
                severity, known = _known(plan, f"{change.owner}.{change.name}")
                yield statement.finding(RULE, severity, what=what + known, safer=_safer(plan, change), name=change.owner)


def _safer(plan: Plan, change: Change) -> str:
    first = "# first a default, so that old code can go on:"
    if plan.is_file:
        batch = f"with op.batch_alter_table({literal(change.table)}) as batch:"
        return f"{first}\n{batch}\n    batch.alter_column({literal(change.name)}, server_default=...)"
    table, column = identifier(change.schema, change.table), identifier("", change.name)
    return f"{first}\n{execute(f'ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT ...')}"


def _known(plan: Plan, column: str) -> tuple[Severity, str]:
    """What the target's queries say: which INSERTs leave the column out."""
    workload = plan.effects.workload
    if workload is None or not workload.known:
        return Severity.WARNING, ""
    fail = [query for query in workload.queries if column in query.leaves_out]
    if fail:
        return Severity.ERROR, f"; {broken(fail, workload)}"
    return Severity.WARNING, f"; none of {workload.known:,} known queries leaves it out"


def _is_required(change: Change) -> bool:
    return change.kind == "column" and change.how in ("added", "altered") and change.wants_a_value


def _was_proved(statement: Statement, change: Change) -> bool:
    """A valid CHECK had it already: the server did not have to look, and did not put it off either."""
    if change.how == "added":
        return False
    changes = statement.effect.changes
    put_off = any(
        other.kind == "constraint" and other.after.get("kind") == "not null" and other.after.get("valid") is False for other in changes
    )
    read = (thing.relation for things in (statement.effect.scans, statement.effect.rewrites) for thing in things)
    looked = any((relation.schema, relation.name) == (change.schema, change.table) for relation in read)
    return not put_off and not looked


RULE = Rule("LG502", "breaks-inserts", "running code leaves out a required column", find)
