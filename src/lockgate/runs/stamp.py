"""`stamp`: write Alembic's version table without running revisions."""

from __future__ import annotations

from lockgate.events import Notify
from lockgate.outcome import Outcome
from lockgate.runs.arrival import arrive
from lockgate.runs.outcome import outcome_of
from lockgate.runs.through import through_gate
from lockgate.settings.project import Project
from lockgate.words import Request


def stamp(request: Request, project: Project, notify: Notify) -> Outcome:
    """
    Say which revision a database is at.

    Args:
        request: `to` is the target in Alembic's notation; several, separated by blanks, for several heads.
    Raises:
        LockgateError: see `docs/errors/`; `changed` says what was committed.
    """
    arrival = arrive(request, project, notify)
    return outcome_of(arrival, through_gate(arrival, "stamp", request.to, notify))
