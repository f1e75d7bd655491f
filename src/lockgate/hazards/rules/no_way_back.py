"""The downgrade is missing, fails, or does not restore the schema."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.effects import RevisionEffects
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.restored import not_restored


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per revision whose downgrade was tried."""
    backs = {revision.id: revision for revision in plan.effects.revisions if revision.direction == "downgrade"}
    for revision in plan.revisions:
        back = backs.get(revision.id)
        if plan.direction == "upgrade" and back and (what := _what(revision, back)):
            yield plan.about(RULE, revision, Severity.WARNING, what, line=back.fault.line if back.fault else 0)


def _what(revision: RevisionEffects, back: RevisionEffects) -> str:
    if back.fault:
        return f"downgrade() fails: {back.fault.message}"
    left = not_restored(revision, back)
    if not left:
        return ""
    if not any(effect.changes for effect in back.effects):
        return "downgrade() does nothing: there is no way back from this revision"
    more = f" and {len(left) - 4} more" if len(left) > 4 else ""
    return f"downgrade() does not restore the schema: {', '.join(left[:4])}{more}"


RULE = Rule("LG604", "no-way-back", "the downgrade does not restore the schema", find)
