"""Making or detaching a partition locks the partitioned table."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.seen import Change
from lockgate.hazards.snippets import autocommit, execute, identifier


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per partition made or detached while nobody can read its parent."""
    for statement in plan.statements:
        for change in statement.effect.changes:
            parent = _parent(change)
            lock = statement.strong_lock_on(parent) if parent else None
            if lock:
                what = f"`{lock.relation.path}` and all its partitions are locked while `{change.name}` is {_doing(change)}"
                yield statement.finding(
                    RULE, Severity.NOTE, lock.relation, what=what, safer=_safer(change, parent), estimate=statement.blocked
                )


def _parent(change: Change) -> str:
    made = change.how == "added" and change.after.get("partition_of")
    left = change.how == "altered" and change.before.get("partition_of")
    return str(made or left or "") if change.kind == "table" else ""


def _doing(change: Change) -> str:
    return "made" if change.how == "added" else "detached"


def _safer(change: Change, parent: str) -> str:
    own, whole = identifier(change.schema, change.name), identifier(*parent.split(".", 1))
    if change.how == "added":
        made = execute(f"CREATE TABLE {own} (LIKE {whole} INCLUDING ALL)")
        return made + "\n" + execute(f"ALTER TABLE {whole} ATTACH PARTITION {own} {change.after.get('bound', '...')}")
    return autocommit([execute(f"ALTER TABLE {whole} DETACH PARTITION {own} CONCURRENTLY")])


RULE = Rule("LG105", "partition-lock", "a partition locks its partitioned table", find)
