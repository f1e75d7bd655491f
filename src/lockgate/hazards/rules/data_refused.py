"""Rows break a constraint that is being made."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.faults import broken
from lockgate.hazards.findings import Finding, Severity

_STATES = ("23503", "23505", "23514", "23P01", "22")  # orphans, duplicates, checks, exclusions, values that do not fit


def find(plan: Plan) -> Iterator[Finding]:
    """Yield what failed on the scratch, whose rows the revisions themselves made."""
    for statement in plan.statements:
        if broken(statement, _STATES):
            safer = "# mend the rows in a revision before this one"
            yield statement.finding(RULE, Severity.ERROR, what=broken(statement, _STATES), safer=safer)


RULE = Rule("LG402", "data-refused", "rows break a constraint", find)
