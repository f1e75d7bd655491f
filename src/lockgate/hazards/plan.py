"""How a call of `plan` ended."""

from __future__ import annotations

from dataclasses import dataclass

from lockgate.hazards.effects import Effects


@dataclass(frozen=True)
class PlanOutcome:
    """
    What the pending revisions do.

    Args:
        place: of the target.
        effects: without revisions where nothing is pending.
        code: `plan-fails` where a revision fails on the scratch copy.
    """

    environment: str
    place: str
    effects: Effects
    code: str = ""
