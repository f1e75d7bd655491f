"""CONCURRENTLY, VACUUM and their like inside of the transaction."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.faults import broken
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.snippets import autocommit, execute

_STATES = ("25001", "2D000")


def find(plan: Plan) -> Iterator[Finding]:
    """Yield what failed for it on the scratch."""
    for statement in plan.statements:
        if broken(statement, _STATES):
            safer = autocommit([execute(" ".join(statement.effect.text.split()))])
            yield statement.finding(RULE, Severity.ERROR, what=broken(statement, _STATES), safer=safer, fails=True)


RULE = Rule("LG404", "inside-transaction", "the statement cannot run inside a transaction", find)
