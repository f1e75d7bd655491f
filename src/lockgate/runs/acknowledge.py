"""`acknowledge`: keep in the ledger that somebody looked at revisions which were edited after they were applied."""

from __future__ import annotations

import json
from dataclasses import replace

from lockgate.errors import UsageError
from lockgate.events import Notify
from lockgate.graph import check_target, edited, fingerprint
from lockgate.outcome import Outcome
from lockgate.registry import ledger
from lockgate.runs.arrival import arrive
from lockgate.runs.gate import entered
from lockgate.settings.project import Project
from lockgate.words import Request


def acknowledge(request: Request, project: Project, notify: Notify) -> Outcome:
    """
    Take the present content of edited revisions for what was applied.

    Nothing is run and no schema is compared: whoever acknowledges promises that the difference does not matter here.

    Args:
        request: `to` holds the whole ids of the revisions, separated by blanks.
    Returns:
        `changed` is empty where none of them is edited.
    Raises:
        Refused: by the guard.
        UsageError: `revision-not-found`: an id that no file has, or that is not applied here.
    """
    arrival = arrive(request, project, notify)
    graph, seen = arrival.graph, arrival.sight
    wanted = tuple(dict.fromkeys(request.to.split()))
    check_target(graph, request.to)
    applied = graph.applied(seen.heads)
    for name in wanted:
        if name not in applied:
            what = f"revision `{name}` is not applied here, so there is nothing to acknowledge"
            raise UsageError("revision-not-found", what, arrival.target.where, f"lockgate status {request.environment}")
    found = {one.revision for one in edited(graph, seen.heads, arrival.kept)}
    todo = [name for name in wanted if name in found]
    outcome = Outcome(request.verb, request.environment, seen.place, seen.heads, seen.heads)
    if not todo:
        return outcome
    features = arrival.target.dialect.features
    with entered(arrival.gate, arrival.target) as permit:
        for name in todo:
            was = json.dumps({"was": arrival.kept[name]})
            event = ledger.Event("acknowledged", name, seen.heads, seen.heads, details=was, source=fingerprint(graph.revisions[name].text))
            ledger.append(permit, features.registry_prefix, event, arrival.target.dialect.ledger_guard())
        permit.session.commit()
    return replace(outcome, changed=tuple(f"acknowledged `{name}`" for name in todo), waited_s=arrival.gate.waited_s)
