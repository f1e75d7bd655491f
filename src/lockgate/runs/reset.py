"""`reset`: drop what there is, prove that nothing is left, and upgrade again."""

from __future__ import annotations

import time
from dataclasses import replace

from lockgate.errors import NOTHING, Bug, Busy, Failed, LockgateError
from lockgate.events import Notice, Notify, Retrying
from lockgate.outcome import Outcome
from lockgate.registry import journal, ledger
from lockgate.runs.arrival import Arrival, arrive
from lockgate.runs.gate import entered, look
from lockgate.runs.upgrade import climb
from lockgate.settings.project import Project
from lockgate.words import Request, Step, VersionTable


def reset(request: Request, project: Project, notify: Notify) -> Outcome:
    """
    Empty an environment's database and bring it to head.

    Every user object goes, in one transaction; the registry with its ledger, and extensions, stay.

    Raises:
        LockgateError: see `docs/errors/`; `changed` says what was committed.
    """
    arrival = arrive(replace(request, to=request.to or "head"), project, notify)
    # Not above: Alembic is needed only when something is to be done.
    from lockgate.runs.through import rehearse

    # Before anything is dropped that the revisions could not make again, or that env.py would not find again.
    rehearse(arrival, "upgrade", arrival.request.to, notify)
    dropped = _patiently(arrival, notify)
    gone = f"dropped {dropped} object{'s' if dropped != 1 else ''}"
    notify(Notice(f"{gone}; the database is empty"))
    try:
        outcome = climb(replace(arrival, sight=look(arrival.target)), arrival.request.to, notify)
    except LockgateError as error:
        error.changed = f"dropped {dropped} objects" + ("" if error.changed == NOTHING else f", {error.changed}")
        raise
    changed = (gone, *outcome.changed)
    return replace(outcome, from_heads=arrival.sight.heads, changed=changed)


def _patiently(arrival: Arrival, notify: Notify) -> int:
    """Try again while somebody reads a table: a waiting DROP would queue every other reader behind it."""
    environment = arrival.target.environment
    give_up = time.monotonic() + environment.lock_wait
    for attempt, delay in enumerate(arrival.target.dialect.retry_delays(), 1):
        try:
            return _empty(arrival)
        except Busy as error:
            if error.code != "lock-timeout" or time.monotonic() > give_up:
                raise
            notify(Retrying(Step("reset", "reset"), attempt, delay, error.what))
            time.sleep(delay)
    raise Bug("internal", "the delays between two tries came to an end")


def _empty(arrival: Arrival) -> int:
    dialect, environment = arrival.target.dialect, arrival.target.environment
    with entered(arrival.gate, arrival.target) as permit:
        dialect.bound_waiting(permit.session, environment.lock_timeout or 1.0)
        dropped = dialect.drop_everything(permit, permit.sight.kept_version_table or permit.sight.version_table or VersionTable())
        if permit.sight.half_applied is not None:
            journal.forget_all(permit, dialect.features.registry_prefix)
        after = dialect.look(permit.session, permit.sight.place, permit.sight.kept_version_table)
        if not after.empty:
            names = ", ".join(after.tables[:5]) or f"{after.objects} objects"
            raise Failed(
                "reset-incomplete",
                f"the database is not empty after dropping everything: {names}",
                arrival.target.where,
                "drop what is left by hand; nothing was kept of this try",
            )
        ledger.append(
            permit, dialect.features.registry_prefix, ledger.Event("reset", from_heads=permit.sight.heads), dialect.ledger_guard()
        )
        permit.session.commit()
    return len(dropped)
