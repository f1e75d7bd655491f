"""A default goes or changes, or NOT NULL goes."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.seen import Change


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one note per column."""
    for statement in plan.statements:
        for change in statement.live_changes:
            what = _what(change) if change.kind == "column" and change.how == "altered" else ""
            if what:
                yield statement.finding(RULE, Severity.NOTE, what=what, name=change.owner)


def _what(change: Change) -> str:
    column = f"`{change.table}.{change.name}`"
    if "default" in change.before and change.before["default"] and "type" not in change.after:
        return f"{column} no longer gets {change.before['default']} where running code leaves it out, but {change.after.get('default') or 'NULL'}"
    if change.before.get("not_null") and not change.after.get("not_null"):
        return f"{column} may hold NULL from now on, which running code does not expect"
    return ""


RULE = Rule("LG504", "default-changed", "running code meets another default, or NULL", find)
