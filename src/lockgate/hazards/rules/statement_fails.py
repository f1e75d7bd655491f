"""A statement fails: a view is in its way, a role is not there, or anything else."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.faults import allowing, broken, missing, missing_in_code
from lockgate.hazards.findings import Finding, Severity

_TOLD_ELSEWHERE = ("23", "22", "25001", "2D000", "55P04")
_HINTS = {
    "0A000": "# drop the view or rule that depends on it first, and make it again afterwards",
    "2BP01": "# drop what depends on it first, by name",
    "42704": "# what it names has to be there before: an extension, a role, a type",
    "55P03": "# nobody else uses the copy: the revision waits for itself; run all of it on op.get_bind(), not on a second connection",
    "42501": "# the role that runs revisions needs this privilege",
}


def find(plan: Plan) -> Iterator[Finding]:
    """Yield what failed on the scratch, and revisions that failed outside of any statement."""
    for statement in plan.statements:
        fault = statement.effect.fault
        if fault and statement.effect.caught:
            what = f"the statement fails, and the revision catches that and goes on: {' '.join(fault.message.split())}"
            yield statement.finding(RULE, Severity.NOTE, what=what)
        elif fault and not fault.state.startswith(_TOLD_ELSEWHERE):
            safer = allowing(RULE.id) if missing(plan, fault.state) else _HINTS.get(fault.state, "")
            yield statement.finding(RULE, Severity.ERROR, what=broken(statement, ("",)), safer=safer, fails=True)
    for revision in plan.effects.revisions:
        orphans = any(one.revision == revision.id and one.kind == "orphans" and one.count > 0 for one in plan.effects.answers)
        if revision.fault and not orphans and not any(effect.fault and not effect.spared for effect in revision.effects):
            lacks = "" if revision.fault.state else missing_in_code(plan)
            what = f"the revision fails: {revision.fault.message}{lacks}"
            safer = allowing(RULE.id) if lacks else _HINTS.get(revision.fault.state, "")
            yield plan.about(RULE, revision, Severity.ERROR, what, safer, revision.fault.line, fails=True)


RULE = Rule("LG406", "statement-fails", "the revision fails", find)
