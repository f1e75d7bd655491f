"""`history`: the ledger of one environment; reads only."""

from __future__ import annotations

from lockgate.errors import Refused
from lockgate.outcome import LedgerEntry
from lockgate.registry import ledger
from lockgate.runs.gate import find, opened
from lockgate.runs.target import Target
from lockgate.settings.project import Project
from lockgate.words import Request, Sight


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
    target, seen = ledger_of(request, project)
    if seen.registry_version == 0:
        return ()
    features = target.dialect.features
    with opened(target) as session:
        return ledger.read(session, features.registry_prefix, features.moment_text, limit)


def ledger_of(request: Request, project: Project) -> tuple[Target, Sight]:
    """
    Look at the database whose ledger is to be read.

    Raises:
        Refused: the marker names another environment: its history would be somebody else's.
    """
    target, seen = find(request, project)
    if seen.identity is not None and seen.identity.environment != request.environment:
        what = f"this database says it is `{seen.identity.environment}`, you asked for `{request.environment}`"
        raise Refused("identity-mismatch", what, target.where, f"point `{request.environment}` at its own database")
    return target, seen
