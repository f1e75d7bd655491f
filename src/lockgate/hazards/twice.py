"""A plan that was traced on a copy with rows, which stopped it, and once more on one without: one story of both."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from lockgate.hazards.answers import Answer
from lockgate.hazards.effects import COPY, Effect, Effects, RevisionEffects
from lockgate.hazards.seen import Fault

_PROVED = ("nulls", "duplicates", "violations", "outside")  # not `orphans`: SQLite makes a foreign key without a look at rows
_OF_ROWS = ("22", "23")  # SQLSTATE: values that do not fit, constraints


def stopped_by_rows(revisions: Sequence[RevisionEffects]) -> bool:
    """Whether a revision fails for what a table holds, or at COMMIT, when foreign keys are looked at."""
    broken = next((revision for revision in revisions if revision.fault), None)
    faults = [effect.fault for effect in broken.effects if effect.fault and not effect.caught] if broken else []
    return broken is not None and all(fault.state.startswith(_OF_ROWS) for fault in faults)


def grafted(first: Sequence[RevisionEffects], again: Sequence[RevisionEffects]) -> tuple[RevisionEffects, ...]:
    """
    Return the revisions up to the broken one as they ran with rows, and from there on as without, the fault put in at its place.

    Where the second run is not the same story, because the code looks at rows, the first one stands.
    """
    place = next(number for number, revision in enumerate(first) if revision.fault)
    broken = first[place]
    if len(again) <= place or [one.id for one in again[: place + 1]] != [one.id for one in first]:
        return tuple(first)
    faults = {effect.number: effect for effect in broken.effects if effect.fault}
    effects = tuple(_with_fault(effect, faults.get(effect.number)) for effect in again[place].effects)
    if any(number not in {effect.number for effect in effects} for number in faults):
        return tuple(first)
    return (*first[:place], structs.replace(again[place], effects=effects, fault=broken.fault), *again[place + 1 :])


def _with_fault(effect: Effect, failed: Effect | None) -> Effect:
    fault: Fault | None = failed.fault if failed else None
    return structs.replace(effect, fault=fault, caught=failed.caught) if failed and fault else effect


def is_proved(effects: Effects, answer: Answer) -> bool:
    """Whether a statement has already done on the rows themselves what a question is about, so that no row stands in its way."""
    if effects.source != COPY or answer.kind not in _PROVED:
        return False
    order = [revision.id for revision in effects.revisions]
    broken = next((number for number, revision in enumerate(effects.revisions) if revision.fault), len(order))
    place = order.index(answer.revision)
    if place != broken:
        return place < broken
    faults = [effect.number for effect in effects.revisions[place].effects if effect.fault and not effect.caught]
    return not faults or answer.number < min(faults)
