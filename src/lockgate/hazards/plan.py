"""How a call of `plan` ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lockgate.hazards.context import Plan
from lockgate.hazards.effects import Effects, RevisionEffects
from lockgate.hazards.findings import Findings
from lockgate.hazards.past import Work, sum_of


def fails(effects: Effects, findings: Findings) -> bool:
    """Return whether a plan says that something fails, on the scratch or on the target's rows as they are, and no comment allows that."""
    return broken_off(effects, findings) is not None or any(finding.fails for finding in findings.findings)


def broken_off(effects: Effects, findings: Findings) -> RevisionEffects | None:
    """Return the first revision that failed on the scratch and that no comment excuses."""
    excused = {allowed.finding.revision for allowed in findings.allowed if allowed.finding.fails}
    return next((revision for revision in effects.revisions if revision.fault and revision.id not in excused), None)


def recorded_work(effects: Effects) -> dict[str, Work]:
    """
    Return what each revision of a plan has to do, as far as its time in the ledger will be the time of just that.

    Returns:
        Nothing of a revision where a size is not known, lines did not run on the copy, or a statement runs outside of a transaction, where
        it waits without a bound and CONCURRENTLY works at another pace.
    """
    loads: dict[str, list[Work | None]] = {}
    for statement in Plan(effects).statements:
        measured = not (statement.effect.autocommit or statement.revision.not_run)
        loads.setdefault(statement.revision.id, []).append(statement.load if measured else None)
    return {revision: work for revision, parts in loads.items() if (work := sum_of(parts)) and work.slow_s}


@dataclass(frozen=True)
class PlanOutcome:
    """
    What the pending revisions do.

    Args:
        place: of the target.
        effects: without revisions where nothing is pending.
        findings: the effects judged by what the environment bears.
        code: `plan-fails` where a revision fails on the scratch copy or will fail on the target's rows (see `fails`), `plan-findings` where a finding is not let pass.
        failed_on: with `plan-findings`, what was not to be found.
    """

    environment: str
    place: str
    effects: Effects
    findings: Findings
    code: str = ""
    failed_on: tuple[str, ...] = ()

    def strict(self, fail_on: Sequence[str]) -> PlanOutcome:
        """Return the outcome with the code that it has where findings may fail it; `fail_on` as of `Findings.failing`."""
        met = tuple(word for word in fail_on if self.findings.fails(word))
        return replace(self, code="plan-findings", failed_on=met) if met and not self.code else self
