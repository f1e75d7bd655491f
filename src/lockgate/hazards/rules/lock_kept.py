"""A lock is kept while later statements of the same transaction work."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.blocking import spelled
from lockgate.hazards.context import Plan, Rule, Statement, key
from lockgate.hazards.estimate import total
from lockgate.hazards.findings import Finding
from lockgate.hazards.seen import FILE, Lock
from lockgate.hazards.snippets import literal


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per transaction and table, at the first lock for which writers wait."""
    for transaction in plan.transactions:
        seen = set()
        for statement in transaction:
            for lock in statement.strong_locks:
                working = [later for later in statement.later_under(lock.relation) if _takes_time(later)]
                if working and key(lock.relation) not in seen and lock.relation.kind != FILE:  # that is locked from BEGIN on
                    seen.add(key(lock.relation))
                    yield _finding(statement, lock, working)


def _finding(statement: Statement, lock: Lock, working: list[Statement]) -> Finding:
    lines = ", ".join(dict.fromkeys(f"{later.revision.id} line {later.effect.line}" for later in working))
    one, many = ("works", "work") if any(later.is_work for later in working) else ("waits for a lock", "wait for locks")
    what = (
        f"`{lock.relation.path}` stays locked ({spelled(lock.strongest)}) while {len(working)} later "
        f"{f'statement {one}' if len(working) == 1 else f'statements {many}'} in the same transaction ({lines})"
    )
    safer = f"# in a revision of its own behind {statement.revision.id}, so that the lock on {literal(lock.relation.name)} is gone:\n{_first(working)}"
    return statement.timed(RULE, lock.relation, what=what, safer=safer, estimate=total(later.takes for later in working))


def _takes_time(later: Statement) -> bool:
    return later.wait is not None or (later.is_work and later.scan_cause != "validate")


def _first(working: list[Statement]) -> str:
    text = " ".join(working[0].effect.text.split())
    return f"op.execute({literal(text)})"


RULE = Rule("LG102", "lock-kept", "a lock is kept while later statements work", find)
