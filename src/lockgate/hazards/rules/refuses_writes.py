"""A new constraint may refuse what running code writes."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding, Severity

_KINDS = ("unique", "check", "foreign key", "exclusion", "primary key")


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one note per constraint or unique index that is new on a live table; what the server made again is not new."""
    for statement in plan.statements:
        constraints = {change.name for change in statement.effect.changes if change.kind == "constraint"}
        for change in statement.live_changes:
            unique = change.kind == "index" and change.after.get("unique") and change.name not in constraints
            kind = "unique" if unique else str(change.after.get("kind", "")) if change.kind == "constraint" else ""
            if change.how == "added" and kind in _KINDS:
                what = f"rows that running code writes into `{change.owner}` may be refused by {kind} `{change.name}`"
                yield statement.finding(RULE, Severity.NOTE, what=what, name=change.owner)


RULE = Rule("LG503", "refuses-writes", "a new constraint may refuse what running code writes", find)
