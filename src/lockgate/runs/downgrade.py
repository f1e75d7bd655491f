"""`downgrade`: back towards base; may lose data, so it is always confirmed."""

from __future__ import annotations

from lockgate.events import Notify
from lockgate.outcome import Outcome
from lockgate.runs.arrival import arrive
from lockgate.runs.outcome import outcome_of
from lockgate.runs.through import through_gate
from lockgate.settings.project import Project
from lockgate.words import Request


def downgrade(request: Request, project: Project, notify: Notify) -> Outcome:
    """
    Run revisions backwards.

    Args:
        request: `to` is the target in Alembic's notation: `-1`, `base`, a revision id.
    Raises:
        LockgateError: see `docs/errors/`; `changed` says what was committed.
    """
    arrival = arrive(request, project, notify)
    return outcome_of(arrival, through_gate(arrival, "downgrade", request.to, notify))
