"""A table that is published by logical replication changes: subscribers do not hear of DDL."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.answers import Publication
from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.seen import Change
from lockgate.hazards.snippets import execute, identifier

_SHAPE = ("table", "column")


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per table and publication: where its shape changes, or where rows are changed that no subscriber can tell apart."""
    publications = plan.effects.preflight.publications if plan.effects.preflight else ()
    seen = set()
    for statement in plan.statements:
        changed = {change.original for change in statement.live_changes if _changes_shape(change)}
        written = {table.original for table in statement.mass_written}
        for published in publications:
            told = published.table in changed or (published.table in written and not published.identity)
            if told and published not in seen:
                seen.add(published)
                yield _finding(statement, published, changed)


def _changes_shape(change: Change) -> bool:
    return change.kind in _SHAPE and change.how in ("added", "dropped", "renamed", "altered")


def _finding(statement: Statement, published: Publication, changed: set[str]) -> Finding:
    if published.table in changed:
        what = (
            f"`{published.table}` is in the publication `{published.name}`: DDL is not replicated, and a subscriber whose table differs "
            "stops applying rows"
        )
        safer = "# run the same revision at the subscribers first; for what is dropped or renamed, at the publisher first"
        return statement.finding(RULE, Severity.WARNING, statement.plan.table(published.table), what=what, safer=safer, name=published.table)
    what = f"`{published.table}` is in the publication `{published.name}` and has no replica identity: its UPDATE and DELETE are refused"
    safer = execute(f"ALTER TABLE {identifier(*published.table.split('.', 1))} REPLICA IDENTITY FULL")
    return statement.finding(RULE, Severity.ERROR, statement.plan.table(published.table), what=what, safer=safer, name=published.table)


RULE = Rule("LG802", "replicated-table", "subscribers do not hear of the change", find)
