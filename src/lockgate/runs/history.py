"""`history`: the ledger of one environment; reads only."""

from __future__ import annotations

from lockgate.errors import Refused
from lockgate.outcome import LedgerEntry
from lockgate.registry import ledger
from lockgate.runs.gate import find, opened
from lockgate.settings.project import Project
from lockgate.words import Request


def history(request: Request, project: Project, limit: int) -> tuple[LedgerEntry, ...]:
    """
    Return what was tried on an environment, newest first.

    Args:
        limit: rows, > 0.
    Returns:
        Nothing for a database without a registry.
    Raises:
        Refused: the marker names another environment: its history would be somebody else's.
    """
    target, seen = find(request, project)
    if seen.identity is not None and seen.identity.environment != request.environment:
        what = f"this database says it is `{seen.identity.environment}`, you asked for `{request.environment}`"
        raise Refused("identity-mismatch", what, target.where, f"point `{request.environment}` at its own database")
    if seen.registry_version == 0:
        return ()
    features = target.dialect.features
    with opened(target) as session:
        return ledger.read(session, features.registry_prefix, features.moment_text, limit)
