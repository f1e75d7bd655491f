"""What the target's own ledger tells of how long a plan's revisions take; reads only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import msgspec

from lockgate.graph import Graph
from lockgate.graph.fingerprint import same
from lockgate.hazards.effects import Effects
from lockgate.hazards.past import Ran, Work
from lockgate.registry import chain, ledger
from lockgate.runs.gate import opened
from lockgate.runs.target import Target
from lockgate.words import Sight

_ROWS = 2_000  # of the ledger, newest first
_MOST = 20  # kept in the plan
_TIMEOUT_S = 10.0


class _Details(msgspec.Struct):
    tries: int = 1
    work: Work | None = None


def with_past(effects: Effects, graph: Graph, target: Target, seen: Sight) -> Effects:
    """Return a traced plan with what earlier upgrades of its target took; another environment's ledger is not asked, it is not the plan's."""
    if seen.registry_version < chain.SINCE or not effects.revisions:
        return effects
    features = target.dialect.features
    with opened(target) as session:
        try:
            target.dialect.limit(session, _TIMEOUT_S)
            rows = ledger.upgrades(session, features.registry_prefix, features.moment_text, _ROWS)
        except Exception as error:
            if target.dialect.facts(error) is None:
                raise
            return effects  # a plan without it says less, and is a plan
    pending = {revision.id: graph.revisions[revision.id].text for revision in effects.revisions if revision.id in graph.revisions}
    return msgspec.structs.replace(effects, past=tuple(_telling(rows, pending))[:_MOST])


def _telling(rows: tuple[ledger.Upgraded, ...], pending: dict[str, str]) -> Iterator[Ran]:
    """Yield what says something: the same revision's last time, and whatever is known with its work."""
    met = set()
    for row in rows:
        details = _Details()
        if row.details:
            with suppress(msgspec.MsgspecError):
                details = msgspec.json.decode(row.details, type=_Details)
        again = row.revision in pending and row.revision not in met and same(row.source, pending[row.revision])
        if details.tries == 1 and (again or details.work):
            met |= {row.revision} if again else set()
            yield Ran(revision=row.revision, at=row.at, seconds=row.duration_ms / 1000, work=details.work, pending=again)
