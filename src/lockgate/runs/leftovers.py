"""What a broken run left behind, before the next one: INVALID indexes, and half a revision where DDL commits by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence

from lockgate.dialects.base import Dialect
from lockgate.errors import Failed
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


def drop_leftovers(permit: Permit, dialect: Dialect, notify: Notify) -> None:
    """
    Drop the INVALID indexes that an unfinished revision made, in a transaction of their own.

    Only those which were not there when that revision began: anybody else's stay, and are none of our business.
    """
    if not permit.sight.invalid_indexes:
        return
    for revision, details in permit.session.execute(_UNFINISHED.format(prefix=dialect.features.registry_prefix)):
        before = set(json.loads(str(details) or "{}").get("invalid_indexes", ()))
        for name in sorted(set(permit.sight.invalid_indexes) - before):
            dialect.drop_invalid_index(permit, name)
            notify(Notice(f"dropped index {name}: INVALID, left by an unfinished run of revision `{revision}`"))
    permit.session.commit()


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
    done = f"{half.done} of its statements {'is' if half.done == 1 else 'are'} done"
    to = half.revision if half.direction == "upgrade" else "-1"
    raise Failed(
        "half-applied",
        f"the {half.direction} of revision `{half.revision}` was broken off, and {done}",
        place,
        f"finish it first: lockgate {half.direction} ENV {to}",
    )
