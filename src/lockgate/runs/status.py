"""`env` and `status`: all environments in one table, usable when some cannot be reached; reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lockgate.dialects.base import BareSession
from lockgate.errors import LockgateError, UsageError
from lockgate.files import graph_of
from lockgate.graph import Graph
from lockgate.outcome import EnvironmentRow, LedgerEntry, SeedState
from lockgate.registry import ledger
from lockgate.runs.edited import Kept
from lockgate.runs.gate import find
from lockgate.runs.target import Target, environment_of
from lockgate.settings.project import Project
from lockgate.words import Request, Sight, Verb

_AT_ONCE = 8  # connections; the table is as fast as its slowest row
_ENOUGH = 10  # rows of the ledger among which one is more than a smoke query's answers


def status(request: Request, project: Project, names: Sequence[str]) -> tuple[EnvironmentRow, ...]:
    """
    Look at environments.

    Args:
        names: which; empty for all, in the order of the settings.
    Returns:
        A row each; one that cannot be seen says why in `error`.
    Raises:
        UsageError: an unknown name, one URL for several, or revision files that cannot be read (not for `env`, which needs none).
    """
    check_one_url(request, names)
    chosen = [environment_of(project, name).name for name in names] or list(project.environments)
    graph = None if request.verb is Verb.ENV else graph_of(project)
    if len(chosen) == 1:  # threads would cost a start more than the look
        return (row_of(replace(request, environment=chosen[0]), project, graph),)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return tuple(pool.map(lambda name: row_of(replace(request, environment=name), project, graph), chosen))


def check_one_url(request: Request, names: Sequence[str]) -> None:
    """UsageError where one URL is to stand for several environments; needs no settings."""
    if request.database_url and len(names) != 1:
        hint = "run `lockgate status ENVIRONMENT --database-url URL`"
        raise UsageError("usage", "`--database-url` needs exactly one environment to ask for", "lockgate status", hint)


def row_of(request: Request, project: Project, graph: Graph | None) -> EnvironmentRow:
    """Look at one environment; a row with the reason where it cannot be seen."""
    try:
        return seen_row(request, project, graph)
    except LockgateError as error:
        return replace(_blank(request, project), error=error.what, error_code=error.code)


def seen_row(request: Request, project: Project, graph: Graph | None) -> EnvironmentRow:
    """
    Look at one environment that must be seen.

    Raises:
        UsageError, Unreachable: it cannot be.
    """
    rows: list[EnvironmentRow] = []

    def describe(session: BareSession, target: Target, seen: Sight) -> None:
        kept = Kept(graph or Graph({}, complete=False))
        kept(session, target, seen)
        row = _seen(_blank(request, project), seen, graph, kept)
        if seen.registry_version == 0:
            rows.append(replace(row, seeds=_seeds(request, project, target, row, None)))
        else:
            rows.append(replace(row, last=_last(target, session), seeds=_seeds(request, project, target, row, session)))

    find(request, project, describe)
    return rows[-1]


def _blank(request: Request, project: Project) -> EnvironmentRow:
    environment = environment_of(project, request.environment)
    return EnvironmentRow(environment.name, environment.protection, environment.url.label, environment.name == project.default_environment)


def _seeds(request: Request, project: Project, target: Target, row: EnvironmentRow, session: BareSession | None) -> tuple[SeedState, ...]:
    """Nothing for `env`, nor where the database says it is another environment: its ledger tells of other seeds."""
    if request.verb is not Verb.STATUS or not project.seeds or row.says not in ("", row.name):
        return ()
    # Not above: most projects have no seeds, and a look should start at once.
    from lockgate.runs.seed_states import seed_states

    return seed_states(project, row.name, target.dialect, session)


def _last(target: Target, session: BareSession) -> LedgerEntry | None:
    features = target.dialect.features
    entries = ledger.read(session, features.registry_prefix, features.moment_text, _ENOUGH)
    return next((entry for entry in entries if entry.outcome not in ("smoke", "started")), None)


def _seen(row: EnvironmentRow, seen: Sight, graph: Graph | None, kept: Kept) -> EnvironmentRow:
    identity = seen.identity
    known = graph is not None and graph.complete
    return replace(
        row,
        place=seen.place,
        server=seen.server,
        says=identity.environment if identity else "",
        project=identity.project if identity else "",
        copied=identity is not None and not identity.cluster.same(seen.cluster),
        empty=seen.empty,
        tables=len(seen.tables),
        heads=seen.heads,
        half_applied=str(seen.half_applied or ""),
        pending=len(graph.pending(seen.heads)) if graph is not None and known else None,
        unknown=graph.unknown(seen.heads) if graph is not None and known else (),
        edited=tuple(one.file for one in kept.edited(seen.heads)) if graph is not None and known else (),
    )
