"""How a passage ended, as the value that reports read."""

from __future__ import annotations

from lockgate.outcome import Outcome
from lockgate.runs.arrival import Arrival
from lockgate.runs.passage import Passage


def outcome_of(arrival: Arrival, passage: Passage, notices: tuple[str, ...] = ()) -> Outcome:
    """Sum up a run that reached its target."""
    after = passage.after or arrival.sight
    return Outcome(
        arrival.request.verb,
        arrival.request.environment,
        arrival.sight.place,
        arrival.sight.heads,
        after.heads,
        tuple(passage.steps),
        changed=passage.changes,
        notices=notices,
        waited_s=arrival.gate.waited_s,
    )
