"""The downgrade drops what the revision made, with what was stored in it since."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.effects import RevisionEffects
from lockgate.hazards.findings import Finding, Severity

_KINDS = ("table", "table column", "materialized view")


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one note per revision whose downgrade was tried."""
    for back in plan.effects.back:
        lost = _lost(back)
        if lost:
            what = f"downgrade() takes with it what was stored since then in {', '.join(f'`{name}`' for name in lost)}"
            yield plan.about(RULE, back, Severity.NOTE, what)


def _lost(back: RevisionEffects) -> list[str]:
    return [drop.identity for effect in back.effects for drop in effect.drops if drop.kind in _KINDS and (drop.named or drop.cascade)]


RULE = Rule("LG605", "lossy-way-back", "the downgrade loses data", find)
