"""What a broken run left behind, before the next one: INVALID indexes, and half a revision where DDL commits by itself."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from lockgate.alembic_seam.crew import Limits
from lockgate.dialects.base import Dialect
from lockgate.errors import Busy, Failed
from lockgate.events import Notice, Notify
from lockgate.permit import Permit
from lockgate.words import HalfApplied, Step

# A revision left its transaction and no row says that it was applied after that.
_UNFINISHED = """
select revision, details from {prefix}ledger s
 where outcome = 'started'
   and not exists (select 1 from {prefix}ledger a where a.id > s.id and a.revision = s.revision and a.outcome in ('applied', 'stamped'))
 order by id
"""


def drop_leftovers(permit: Permit, dialect: Dialect, notify: Notify, limits: Limits) -> set[str]:
    """
    Drop the INVALID indexes that an unfinished revision made, in transactions of their own.

    Only those which were not there when that revision began: anybody else's stay, and are none of our business.

    Returns:
        Their names.
    Raises:
        Busy: a table was not free within `lock_wait`, most likely because an index of it is being built.
    """
    dropped: set[str] = set()
    if not permit.sight.invalid_indexes:
        return dropped
    with dialect.own_names(permit.session):
        rows = permit.session.execute(_UNFINISHED.format(prefix=dialect.features.registry_prefix))
    permit.session.rollback()
    for revision, details in rows:
        before = set(json.loads(str(details) or "{}").get("invalid_indexes", ()))
        for name in sorted(set(permit.sight.invalid_indexes) - before - dropped):
            if _drop(permit, dialect, notify, limits, name):
                dropped.add(name)
                notify(Notice(f"dropped index {name}: INVALID, left by an unfinished run of revision `{revision}`"))
    return dropped


def _drop(permit: Permit, dialect: Dialect, notify: Notify, limits: Limits, name: str) -> bool:
    """Drop one index that is INVALID still; short tries, because whoever waits for a table makes others wait."""
    give_up = time.monotonic() + limits.lock_wait
    for attempt, delay in enumerate(dialect.retry_delays(), 1):
        try:
            dialect.bound_waiting(permit.session, limits.lock_timeout or 1.0)
            dropped = dialect.drop_invalid_index(permit, name)
            permit.session.commit()
            return dropped
        except Exception as error:
            facts = dialect.facts(getattr(error, "orig", None) or error)
            permit.session.rollback()
            if facts is None or facts.kind != "lock-timeout":
                raise
            if time.monotonic() > give_up:
                what = f"index {name} is INVALID and could not be dropped within {limits.lock_wait:g} s: its table is in use"
                raise Busy("lock-timeout", what, permit.sight.place, "see pg_stat_progress_create_index for a build under way") from error
        if attempt == 1:
            notify(Notice(f"waiting for the table of index {name}: INVALID, to be dropped; perhaps somebody is still building it"))
        time.sleep(delay)
    return False


def refuse_another(half: HalfApplied | None, steps: Sequence[Step], place: str) -> None:
    """
    Refuse steps that do not begin with finishing what a broken run left half applied; a stamp says that somebody has finished it.

    Raises:
        Failed: `half-applied`; nothing changed.
    """
    if half is None or any(step.direction == "stamp" for step in steps):
        return
    if steps and (steps[0].direction, steps[0].revision) == (half.direction, half.revision):
        return
    if half.direction == "bootstrap":
        hint = "put `[bootstrap]` back into the settings and upgrade, or begin anew: lockgate reset ENV"
        raise Failed("half-applied", "the bootstrap was broken off", place, hint)
    to = half.revision if half.direction == "upgrade" else "-1"
    raise Failed(
        "half-applied",
        f"another revision was broken off and is half applied: {half}",
        place,
        f"finish it first: lockgate {half.direction} ENV {to}",
    )
