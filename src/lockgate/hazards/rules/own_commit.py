"""BEGIN, COMMIT or ROLLBACK in a revision."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.command import is_own_commit
from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding, Severity


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per statement; the undoing of a savepoint is none."""
    for statement in plan.statements:
        effect = statement.effect
        if is_own_commit(effect.command, effect.text):
            what = (
                f"{effect.command} ends or begins the transaction behind Alembic's back: what ran before it stays when the revision fails"
            )
            safer = "with op.get_context().autocommit_block():\n    ...  # what has to be committed by itself"
            yield statement.finding(RULE, Severity.ERROR, what=what, safer=safer)


RULE = Rule("LG602", "own-commit", "a revision commits by itself", find)
