"""A comment allows a finding that is not there."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding


def find(plan: Plan) -> Iterator[Finding]:
    """Yield nothing: which comments are of use is known when all others have been found; see `allow.apply`."""
    yield from ()


RULE = Rule("LG704", "unused-allow", "a comment allows what is not there", find)
