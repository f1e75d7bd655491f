"""Several revisions run in one transaction."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding, Severity


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per revision that began in the transaction of the one before."""
    for revision in plan.effects.revisions:
        if not revision.own_transaction:
            what = "all locks of the revisions before it are still held while this one runs, and one failure undoes them all"
            safer = "context.configure(..., transaction_per_migration=True)  # in env.py"
            yield plan.about(RULE, revision, Severity.WARNING, what, safer)


RULE = Rule("LG601", "shared-transaction", "revisions share one transaction", find)
