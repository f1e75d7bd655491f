"""A new value of an enum is used in the transaction that adds it."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.faults import broken
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.snippets import execute

_STATES = ("55P04",)


def find(plan: Plan) -> Iterator[Finding]:
    """Yield what failed for it on the scratch."""
    for statement in plan.statements:
        if broken(statement, _STATES):
            safer = f"# in the next revision, when the value is committed:\n{execute(' '.join(statement.effect.text.split()))}"
            yield statement.finding(RULE, Severity.ERROR, what=broken(statement, _STATES), safer=safer, fails=True)


RULE = Rule("LG405", "enum-value-used", "a new enum value is used before it is committed", find)
