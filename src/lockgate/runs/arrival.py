"""The first look of an acting verb: settings, history, database, verdict; everything that needs no env.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lockgate.dialects.base import BareSession
from lockgate.errors import Refused, UsageError
from lockgate.events import Notify
from lockgate.files import graph_of
from lockgate.graph import Graph, check_single_head, check_target
from lockgate.outcome import Origin
from lockgate.registry import ledger
from lockgate.runs.edited import Kept, check_edited
from lockgate.runs.gate import Gate, opened
from lockgate.runs.missing import find_or_create
from lockgate.runs.record import record
from lockgate.runs.target import Target, environment_of
from lockgate.settings.project import Project
from lockgate.words import Request, Sight, Verb

if TYPE_CHECKING:  # few runs have a plan
    from lockgate.runs.approved import Proof

_BUILD_ON_APPLIED = (Verb.UPGRADE, Verb.DOWNGRADE)


@dataclass(frozen=True)
class Arrival:
    """
    What is known before env.py runs.

    Args:
        kept: fingerprints of the applied revisions, as the ledger has them.
        created: the database, where it was made for this run; empty otherwise.
    """

    request: Request
    project: Project
    target: Target
    gate: Gate
    sight: Sight
    graph: Graph
    created: str = ""
    kept: Mapping[str, str] = field(default_factory=dict)

    def record(self, event: ledger.Event) -> bool:
        """Add a row to the ledger, where the database is the right one and has one."""
        return record(self.request, self.project, self.target, self.gate, event, self.sight)


def arrive(request: Request, project: Project, notify: Notify, proof: Proof | None = None) -> Arrival:
    """
    Read the history, find the database, look at it and ask the guard.

    Args:
        proof: the approved plan that the run must be; None where the request has none.
    Raises:
        UsageError: settings or revision files are wrong; nothing was contacted.
        Unreachable: credentials or connection.
        Refused: by the guard; recorded in the ledger where the database is the one asked for.
    """
    environment_of(project, request.environment)
    if request.plan and proof is None:
        raise UsageError("usage", f"`--plan` does not go with this form of `{request.verb.value}`: a plan holds revisions and nothing else")
    graph = graph_of(project)
    check_no_range(request)
    if request.to == "head":
        check_single_head(graph)
    check_target(graph, request.to)
    kept = Kept(graph)

    def also(session: BareSession, target: Target, seen: Sight) -> None:
        kept(session, target, seen)
        if proof:
            proof.read(session, target, seen)

    target, seen, created = find_or_create(request, project, notify, also)
    if not seen.direct:
        target.dialect.refuse_pooler(target.url, target.environment.connect_timeout)
    gate = Gate.of(request, project, target, notify, proof)
    arrival = Arrival(request, project, target, gate, seen, graph, created, kept.fingerprints)
    try:
        _check_allowed(arrival)
        check_known(graph, seen, target)
        if request.verb in _BUILD_ON_APPLIED and graph.complete:
            check_edited(kept.edited(seen.heads), target.environment, target.where, notify)
    except Refused as error:
        if not (request.asks and error.code == "unconfirmed"):
            arrival.record(ledger.Event("refused", from_heads=seen.heads, error=f"{error.code}: {error.what}"))
        raise
    return arrival


def _check_allowed(arrival: Arrival) -> None:
    """Ask the guard; a locked environment where nothing is pending is let pass, since nothing will be written."""
    try:
        arrival.gate.check(arrival.sight)
    except Refused as error:
        idle = arrival.request.from_schema is None and not arrival.gate.asked.seeds and at_target(arrival, arrival.request.to)
        if error.code != "locked" or arrival.request.verb is not Verb.UPGRADE or not idle:
            raise


def at_target(arrival: Arrival, to: str) -> bool:
    """Whether the cheap look says already that nothing is pending, so that env.py need not run."""
    seen, graph = arrival.sight, arrival.graph
    if seen.half_applied is not None:
        return False
    if to not in ("head", "heads") or seen.identity is None or seen.kept_version_table is None or not graph.complete:
        return False
    bound = seen.identity.cluster.same(seen.cluster)
    return bound and bool(seen.heads) and not graph.pending(seen.heads)


def check_no_range(request: Request) -> None:
    """
    Refuse `FROM:TO`: a database says itself where it starts from.

    Raises:
        UsageError: `revision-not-found`.
    """
    if ":" in request.to:
        what = f"`{request.to}` is a range of revisions, which only offline mode takes (`alembic {request.verb.value} --sql`)"
        hint = f"lockgate {request.verb.value} {request.environment} {request.to.rpartition(':')[2] or 'head'}"
        raise UsageError("revision-not-found", what, hint=hint)


def check_known(graph: Graph, seen: Sight, target: Target) -> None:
    """
    Refuse a database that is ahead of the code, or belongs to another history.

    Raises:
        Refused: `unknown-revision`, with the run and the commit that brought it, where the ledger knows them.
    """
    unknown = graph.unknown(seen.heads) if graph.complete else ()
    if unknown:
        names = ", ".join(f"`{name}`" for name in unknown)
        found = _origins(target, unknown) if seen.registry_version else []
        commit = next((origin.entry.git_commit for origin in found if origin.entry.git_commit), "")
        hint = "deploy the code that has it, or check that this is the right database"
        raise Refused(
            "unknown-revision",
            "\n".join(
                [f"this database is at revision {names}, which is not among the revision files", *(origin.text for origin in found)]
            ),
            target.where,
            f"{hint}: git show {commit} --stat" if commit else hint,
        )


def _origins(target: Target, revisions: tuple[str, ...]) -> list[Origin]:
    features = target.dialect.features
    with opened(target) as session:
        rows = [ledger.origin(session, features.registry_prefix, features.moment_text, name) for name in revisions]
    return [Origin(row) for row in rows if row]
