"""`history --verify`: hold every row of the ledger to its seal; reads only."""

from __future__ import annotations

from lockgate.outcome import Verified
from lockgate.registry import chain
from lockgate.runs.gate import opened
from lockgate.runs.history import ledger_of
from lockgate.settings.project import Project
from lockgate.words import Request


def verify(request: Request, project: Project) -> Verified:
    """
    Compare the whole ledger of an environment with its chain of hashes.

    Raises:
        Refused: the marker names another environment.
    """
    target, seen = ledger_of(request, project)
    if seen.registry_version < chain.SINCE:
        return Verified(request.environment, target.url.place)
    features = target.dialect.features
    with opened(target) as session:
        newest = chain.head(session, features.registry_prefix)
        rows = chain.rows(session, features.registry_prefix, features.moment_text)
    broken = chain.first_broken(rows, newest)
    row, reason = broken or (0, "")
    return Verified(request.environment, target.url.place, len(rows), f"{newest[0]}:{newest[1]}" if newest[0] else "", row, reason)
