"""The downgrade is missing, fails, or does not restore the schema."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.effects import RevisionEffects
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.restored import not_restored

_NAMED = 4


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per revision whose downgrade did not do its part; for the plan as a whole where none can be named."""
    backs = {back.id: back for back in plan.effects.back}
    found = 0
    for revision in plan.effects.revisions:
        back = backs.get(revision.id)
        what = _what(revision, back, bool(plan.effects.unrestored)) if back else ""
        if back and what:
            found += 1
            yield plan.about(RULE, revision, Severity.WARNING, what, line=back.fault.line if back.fault else 0)
    if plan.effects.unrestored and backs and not found:
        left = [f"{change.kind} {change.table + '.' if change.table else ''}{change.name}" for change in plan.effects.unrestored]
        yield plan.about(RULE, plan.effects.revisions[0], Severity.WARNING, f"the way back does not restore the schema: {_listed(left)}")


def _what(revision: RevisionEffects, back: RevisionEffects, unrestored: bool) -> str:
    if back.fault:
        return f"downgrade() fails: {back.fault.message}"
    left = not_restored(revision, back) if unrestored else []
    if not left:
        return ""
    if not any(effect.changes for effect in back.effects):
        return "downgrade() does nothing: there is no way back from this revision"
    return f"downgrade() does not restore the schema: {_listed(left)}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


RULE = Rule("LG604", "no-way-back", "the downgrade does not restore the schema", find)
