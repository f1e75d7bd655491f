"""lockgate's own rows in the ledger of the right database, outside of a run: refusals, failures, answers of the smoke query."""

from __future__ import annotations

from dataclasses import replace

from lockgate.errors import LockgateError
from lockgate.events import Event
from lockgate.registry import ledger
from lockgate.runs.gate import Gate, entered
from lockgate.runs.target import Target, asked_of
from lockgate.settings.project import Project
from lockgate.words import Request, Sight, Verb


def record(request: Request, project: Project, target: Target, gate: Gate, event: ledger.Event, seen: Sight) -> bool:
    """
    Add one row, if the database is the one that was asked for; on any other nothing is written.

    Args:
        gate: of the run that it is about; its author signs.
        seen: the run's look at the database; an unmarked one has no ledger, unless the run itself marked it since.
    Returns:
        Whether the row was written. A row that cannot be written never hides what it is about.
    """
    if seen.identity is None and not gate.marked:
        return False
    asked = replace(asked_of(request, project, target.environment), verb=Verb.RECORD)
    clerk = Gate(asked, lambda: gate.author, _quiet, target.where, 0.0, verb=request.verb.value)
    try:
        with entered(clerk, target, lock=False) as permit:
            ledger.append(permit, target.dialect.features.registry_prefix, event)
            permit.session.commit()
    except LockgateError:
        return False
    return True


def _quiet(event: Event) -> None:
    """Recording says nothing."""
