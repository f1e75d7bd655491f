"""CASCADE takes away what nobody named."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.dropped import HOLDS_ROWS, counted, lost, owner_of
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.snippets import comment, execute

_NAMEABLE = {"view": "VIEW", "materialized view": "MATERIALIZED VIEW", "table": "TABLE", "function": "FUNCTION", "sequence": "SEQUENCE"}


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per thing that only CASCADE takes."""
    for statement in plan.statements:
        for drop in statement.effect.drops:
            if drop.cascade and not drop.new:
                severity, told = lost(counted(statement, drop)) if drop.kind in HOLDS_ROWS else (Severity.WARNING, "")
                what = f"the {drop.kind} `{drop.identity}`{told} goes as well, although the statement does not name it"
                named = _NAMEABLE.get(drop.kind)
                again = execute(f"DROP {named} {drop.identity}") if named else comment(f"drop {drop.kind} {drop.identity} by name")
                safer = f"{again}\n# and leave CASCADE out of the statement, which then fails where something is forgotten"
                yield statement.finding(RULE, severity, owner_of(statement, drop), what=what, safer=safer, name=drop.identity)


RULE = Rule("LG302", "cascade", "CASCADE drops what nobody named", find)
