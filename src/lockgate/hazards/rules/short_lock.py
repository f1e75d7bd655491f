"""Triggers, row security, LOCK TABLE, REFRESH: a strong lock by something that looks harmless."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.blocking import spelled
from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding
from lockgate.hazards.snippets import PATIENCE, autocommit, execute, table_of

_KINDS = ("trigger", "policy", "rule")


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per statement."""
    for statement in plan.statements:
        if is_lesser(statement) and statement.strong_locks:
            lock = statement.strong_locks[0]
            what = f"`{lock.relation.path}` is locked ({spelled(lock.strongest)}) until the transaction ends"
            yield statement.timed(RULE, lock.relation, what=what, safer=_safer(statement), estimate=statement.blocked)


def is_lesser(statement: Statement) -> bool:
    """Whether a statement locks a table for something else than its columns, constraints and indexes."""
    if statement.effect.command in ("LOCK", "REFRESH MATERIALIZED VIEW"):
        return True
    changes = [change for change in statement.effect.changes if change.kind in _KINDS or "row_security" in change.after]
    if changes:
        return len(changes) == len(statement.effect.changes)
    weaker = statement.strong_locks and statement.strong_locks[0].strongest != "AccessExclusiveLock"
    return bool(weaker) and not statement.effect.changes and not statement.scan_cause and statement.effect.command == "ALTER TABLE"


def _safer(statement: Statement) -> str:
    relation = statement.strong_locks[0].relation
    if statement.effect.command == "REFRESH MATERIALIZED VIEW":
        return autocommit([execute(f"REFRESH MATERIALIZED VIEW CONCURRENTLY {table_of(relation)}")])
    return PATIENCE


RULE = Rule("LG106", "short-lock", "a strong lock by a statement that looks harmless", find)
