"""Running code leaves out a column that is now NOT NULL."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement, wants_a_value
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.seen import Change
from lockgate.hazards.sending import broken
from lockgate.hazards.snippets import execute, identifier


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one warning per column that has to be given from now on."""
    for statement in plan.statements:
        for change in statement.live_changes:
            if _is_required(change) and not _was_proved(statement, change):
                what = f"an INSERT of running code that leaves out `{change.table}.{change.name}`, or gives NULL, fails at once"
                table, column = identifier(change.schema, change.table), identifier("", change.name)
                safer = f"# first a default, so that old code can go on:\n{execute(f'ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT ...')}"
                severity, known = _known(plan, f"{change.schema}.{change.table}.{change.name}")
                yield statement.finding(RULE, severity, what=what + known, safer=safer, name=f"{change.schema}.{change.table}")


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
    return change.kind == "column" and change.how in ("added", "altered") and wants_a_value(change)


def _was_proved(statement: Statement, change: Change) -> bool:
    """A valid CHECK had it already: the server did not have to look, and did not put it off either."""
    if change.how == "added":
        return False
    changes = statement.effect.changes
    put_off = any(
        other.kind == "constraint" and other.after.get("kind") == "not null" and other.after.get("valid") is False for other in changes
    )
    looked = any((scan.relation.schema, scan.relation.name) == (change.schema, change.table) for scan in statement.effect.scans)
    return not put_off and not looked


RULE = Rule("LG502", "breaks-inserts", "running code leaves out a required column", find)
