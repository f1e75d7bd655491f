"""A copy of a table, or a new index, needs room beside what is there."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding, Severity

_TOLD_FROM = 1_000_000_000  # bytes; less fits everywhere


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one note per table that is copied: the size of the whole database says how much that is."""
    for statement in plan.statements:
        for rewrite in statement.effect.rewrites:
            size = plan.yardstick.size(rewrite.relation) if rewrite.reason != "truncate" else None
            if size and size.heap_bytes + size.index_bytes >= _TOLD_FROM:
                yield _finding(statement, rewrite.relation.path, size.heap_bytes + size.index_bytes)


def _finding(statement: Statement, path: str, needed: int) -> Finding:
    preflight = statement.plan.effects.preflight
    whole = preflight.database_bytes if preflight else -1
    told = f"; the whole database has {whole / 10**9:.1f} GB, and how much is free no SQL tells" if whole >= 0 else ""
    what = f"about {needed / 10**9:.1f} GB have to be free until COMMIT for the copy of `{path}`, and as much again for WAL{told}"
    return statement.finding(RULE, Severity.NOTE, statement.plan.table(path), what=what, name=path)


RULE = Rule("LG804", "room", "a copy needs as much room again", find)
