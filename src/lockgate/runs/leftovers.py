"""What a broken CONCURRENTLY left behind, dropped before the revision is run again."""

from __future__ import annotations

import json

from lockgate.dialects.base import Dialect
from lockgate.events import Notice, Notify
from lockgate.permit import Permit

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
