"""`adopt`: write the identity marker into a database that is there already."""

from __future__ import annotations

from dataclasses import replace

from lockgate.errors import LockgateError, Refused
from lockgate.events import Notice, Notify
from lockgate.outcome import Outcome
from lockgate.runs.gate import Gate, entered, find, look
from lockgate.runs.target import Target, environment_of, target_of
from lockgate.settings.project import Project
from lockgate.words import Request, Sight


def adopt(request: Request, project: Project, notify: Notify) -> Outcome:
    """
    Make a database say which environment it is.

    Args:
        request: `copy` allows a database whose marker was written for another one.
    Returns:
        `changed` is empty where the database said so already.
    Raises:
        Refused: by the guard, or `same-database` where another environment of the project is this very database.
    """
    environment_of(project, request.environment)
    target, seen = find(request, project)
    gate = Gate.of(request, project, target, notify)
    gate.check(seen)
    _refuse_shared(request, project, target, seen, notify)
    if seen.identity is not None and seen.identity.cluster.same(seen.cluster):
        return Outcome(request.verb, request.environment, seen.place, seen.heads, seen.heads)
    with entered(gate, target) as permit:
        place = permit.sight.place
    changed = (f"marked as `{request.environment}`",)
    return Outcome(request.verb, request.environment, place, seen.heads, seen.heads, changed=changed, waited_s=gate.waited_s)


def _refuse_shared(request: Request, project: Project, target: Target, seen: Sight, notify: Notify) -> None:
    for name in project.environments:
        if name == request.environment:
            continue
        try:
            other = target_of(replace(request, environment=name, database_url=""), project)
            shared = other.url.place == target.url.place or look(other).cluster.same(seen.cluster)
        except LockgateError:
            notify(Notice(f"`{name}` could not be looked at, so nobody compared it with this database"))
            continue
        if shared:
            what = f"environments `{name}` and `{request.environment}` are the same database"
            raise Refused(
                "same-database",
                what,
                target.where,
                "give one of them a database of its own (`lockgate env` shows where each URL comes from)",
            )
