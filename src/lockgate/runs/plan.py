"""`plan`: what the pending revisions will do to a database, seen on a scratch copy of its schema; reads only."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec

from lockgate.errors import Unreachable, UsageError
from lockgate.events import Notice, Notify
from lockgate.files import graph_of, revision_text
from lockgate.graph import Graph, check_single_head, check_target
from lockgate.hazards.answers import Workload
from lockgate.hazards.effects import COPY, Effects
from lockgate.hazards.findings import Limits
from lockgate.hazards.judge import judge
from lockgate.hazards.plan import PlanOutcome, fails
from lockgate.hazards.twice import grafted, stopped_by_rows
from lockgate.runs.arrival import check_known, check_no_range
from lockgate.runs.edited import Kept
from lockgate.runs.gate import check_identity, find
from lockgate.runs.plan_child import Progress, other_process, trace_apart
from lockgate.runs.plan_copy import Original, copied, read_original
from lockgate.runs.plan_history import history_of
from lockgate.runs.plan_past import with_past
from lockgate.runs.plan_questions import Probing, asked, known_queries
from lockgate.runs.target import Target
from lockgate.runs.traced import Told
from lockgate.settings.project import Environment, Project
from lockgate.words import Protection, Request, Sight

_RELATIVE = re.compile(r"[+-][0-9]{1,6}")


def plan(request: Request, project: Project, notify: Notify, probing: Probing | None = None) -> PlanOutcome:
    """
    Run an environment's pending revisions on a scratch copy of its schema; its own database is only read.

    Args:
        request: `to` is the target in Alembic's notation; empty means `head`.
        notify: hears that the copy is made.
        probing: how far the questions to the database go; None for small tables, and the queries that the server has counted.
    Returns:
        `code` is `plan-fails` where a revision fails on the copy, or will fail on the rows that are there.
    Raises:
        Unreachable: `no-plan` where it cannot be told, with the reason.
        Refused: `identity-mismatch`, `unknown-revision`.
    """
    request = replace(request, to=request.to or "head")
    graph = graph_of(project)
    check_no_range(request)
    if request.to == "head":
        check_single_head(graph)
    check_target(graph, request.to)
    kept = Kept(graph)
    target, seen = find(request, project, kept)
    check_identity(request, target, seen)
    check_known(graph, seen, target)
    _check_whole(seen, target)
    borne = project.environments[request.environment]
    edited = kept.edited(seen.heads) if graph.complete else ()
    history = history_of(graph, seen.heads, edited, refuses=borne.protection is not Protection.OPEN)
    exact = replace(request, to=_exact(request.to, graph, seen.heads, target.where))
    empty = Effects(environment=request.environment, heads=seen.heads, target=request.to, history=history)
    if request.to in ("head", "heads") and graph.complete and seen.heads and not graph.pending(seen.heads):
        return PlanOutcome(request.environment, seen.place, empty, judge(empty))
    probing = probing or Probing()
    workload = known_queries(project, target, probing)
    original = read_original(target, seen)
    told, facts = _traced(original, exact, project, Progress(notify, _steps(graph, seen.heads, request.to)), workload, target.url.database)
    _tell_dropped(workload, told, probing, notify)
    known: dict[str, Any] = {"scratch": facts.scratch, "server": facts.server, "stubs": facts.stubs, "sizes": facts.sizes, "source": facts.source}
    known["workload"] = told.workload
    effects = msgspec.structs.replace(empty, revisions=told.revisions, back=told.back, unrestored=told.unrestored, **known)
    effects = with_past(asked(effects, target, probing, notify), graph, target, seen)
    if effects.preflight and seen.invalid_indexes:
        effects = msgspec.structs.replace(effects, preflight=msgspec.structs.replace(effects.preflight, invalid_indexes=seen.invalid_indexes))
    judged = judge(effects, _limits(borne, effects), _sources(effects, project), style=probing.style)
    return PlanOutcome(request.environment, seen.place, effects, judged, "plan-fails" if fails(effects, judged) else "")


def _check_whole(seen: Sight, target: Target) -> None:
    """A revision of which a part was taken back is neither pending nor applied; one that went up in part is planned from there on."""
    half = seen.half_applied
    if half is not None and half.direction == "downgrade":
        what = f"no plan begins in the middle of a downgrade, and one was broken off here: {half}"
        raise Unreachable("no-plan", what, target.where, f"finish it first: lockgate downgrade {target.environment.name} -1")


def _limits(borne: Environment, effects: Effects) -> Limits:
    """What the environment bears, and how long its requests for locks queue; see `Environment.lock_timeout`."""
    own = effects.preflight.lock_timeout_s if effects.preflight else 0.0
    bound = borne.lock_timeout if borne.lock_timeout is not None else own
    known = Limits(warning_s=borne.blocked_warning, error_s=borne.blocked_error, lock_wait_s=borne.lock_wait)
    return msgspec.structs.replace(known, lock_timeout_s=bound) if bound else known


def _tell_dropped(workload: Workload | None, told: Told, probing: Probing, notify: Notify) -> None:
    """Say how many queries of a file could not be tried: a plan that passes over them would be taken for one that found nothing."""
    dropped = len(workload.queries) - told.workload.known if probing.queries and workload and told.workload else 0
    if dropped:
        notify(Notice(f"{dropped} of the queries in {probing.queries} do not run as the schema is now: they are left out"))


def _exact(to: str, graph: Graph, heads: tuple[str, ...], where: str) -> str:
    """
    Return the revision that a relative target means from where the database is; any other one as it is, and what only Alembic can tell.

    Raises:
        UsageError: `revision-not-found`: there are not so many, or it leads down.
    """
    if not _RELATIVE.fullmatch(to) or not graph.complete:
        return to
    pending, steps = graph.pending(heads), int(to)
    if steps < 1:
        raise UsageError("revision-not-found", f"a plan leads up, and `{to}` leads down", where, "name a revision, or `+1`")
    if steps > len(pending):
        there = f"{len(pending)} revision{'s are' if len(pending) != 1 else ' is'} pending"
        raise UsageError("revision-not-found", f"`{to}` leads beyond the newest revision: {there}", where, "leave it out to plan all of them")
    line = all(graph.revisions[new].down_revisions == (old,) for old, new in pairwise(pending))
    return pending[steps - 1] if line else to


def _steps(graph: Graph, heads: tuple[str, ...], to: str) -> int:
    """How many revisions will run, forth and where there is one way also back; 0 where it is not known without Alembic."""
    pending = len(graph.pending(heads)) if graph.complete and to in ("head", "heads") else 0
    return pending * (1 if len(heads) > 1 else 2)


def _traced(
    original: Original, request: Request, project: Project, progress: Progress, workload: Workload | None, database: str
) -> tuple[Told, Effects]:
    """
    Trace on a copy, and once more on one without rows where rows stopped it: how many do, and what comes behind, only that one shows.

    Returns:
        What was seen, and what kind of copy it was.
    """
    heads, notify = original.sight.heads, progress.notify
    with other_process(request.environ, project) as child, copied(original, project, request.environ, notify) as (scratch, facts):
        told = trace_apart(child, request, project, scratch, heads, workload, progress, database)
    if facts.source != COPY or not stopped_by_rows(told.revisions):
        return told, facts
    copy = copied(original, project, request.environ, notify, with_rows=False)
    with other_process(request.environ, project) as child, copy as (scratch, _):
        again = trace_apart(child, request, project, scratch, heads, None, progress, database)
    return msgspec.structs.replace(told, revisions=grafted(told.revisions, again.revisions)), facts


def _sources(effects: Effects, project: Project) -> dict[str, str]:
    """Texts of the revisions, which may allow a finding in a comment."""
    return {revision.file: revision_text(project.folder / revision.file) for revision in effects.revisions}
