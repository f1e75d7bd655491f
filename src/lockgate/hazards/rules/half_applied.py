"""Several steps outside of a transaction."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.effects import Effect
from lockgate.hazards.findings import Finding, Severity

_NO_STEP = ("SELECT", "SET", "RESET", "SHOW", "BEGIN", "COMMIT", "ROLLBACK", "ANALYZE", "VACUUM")


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one note per revision."""
    for revision in plan.effects.revisions:
        steps = [statement for statement in plan.statements if statement.revision is revision and _is_step(statement.effect)]
        outside = [statement for statement in steps if statement.effect.autocommit]
        if outside and len(steps) > 1:
            what = f"{len(outside)} of {len(steps)} steps are committed one by one: a failure leaves the revision half applied; `lockgate upgrade` goes on there"
            safer = "# one revision per statement that runs outside of the transaction"
            yield plan.about(RULE, revision, Severity.NOTE, what, safer, line=outside[0].effect.line)


def _is_step(effect: Effect) -> bool:
    return effect.command not in _NO_STEP


RULE = Rule("LG603", "half-applied", "a revision can stay half applied", find)
