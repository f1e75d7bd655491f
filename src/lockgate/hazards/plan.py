"""How a call of `plan` ended."""

from __future__ import annotations

from dataclasses import dataclass

from lockgate.hazards.effects import Effects
from lockgate.hazards.findings import Findings


@dataclass(frozen=True)
class PlanOutcome:
    """
    What the pending revisions do.

    Args:
        place: of the target.
        effects: without revisions where nothing is pending.
        findings: the effects judged by what the environment bears.
        code: `plan-fails` where a revision fails on the scratch copy.
    """

    environment: str
    place: str
    effects: Effects
    findings: Findings
    code: str = ""
