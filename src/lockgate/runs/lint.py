"""`lint`: what revisions will do to a database that is in use, judged without one: the history is replayed from base on a scratch server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from lockgate.dialects.connect import dialect_named, tracing_named
from lockgate.errors import LockgateError, Unreachable, UsageError
from lockgate.events import Notice, Notify
from lockgate.files import graph_of, revision_text
from lockgate.graph import Graph, check_target
from lockgate.graph.course import Course, course_of
from lockgate.hazards.effects import REPLAY, Effects, History
from lockgate.hazards.findings import Findings
from lockgate.hazards.judge import joined, judge
from lockgate.hazards.plan import PlanOutcome, fails
from lockgate.runs.checkout import changed_since
from lockgate.runs.lint_beginning import begun, explained
from lockgate.runs.lint_product import product
from lockgate.runs.lint_static import lint_static
from lockgate.runs.plan_child import Progress, obeyed, other_process
from lockgate.runs.plan_history import edited_since, history_of
from lockgate.runs.plan_server import install
from lockgate.runs.scratch_database import default_environment
from lockgate.runs.traced import Orders
from lockgate.settings.project import Project
from lockgate.words import Request

_NO_SERVER = ("extra-missing", "embedded-failed")


@dataclass(frozen=True)
class Subject:
    """
    What is to be judged; all revisions where it says nothing.

    Args:
        revisions: ids, or their beginnings.
        since: a commit: the revisions whose files are new or changed since then.
        static: read their SQL and run nothing.
        style: matters of taste are told as well.
    """

    revisions: tuple[str, ...] = ()
    since: str = ""
    static: bool = False
    style: bool = False

    @property
    def together(self) -> bool:
        """Whether they are deployed together; of a whole history nobody knows how it was."""
        return bool(self.revisions or self.since)


def lint(request: Request, project: Project, notify: Notify, subject: Subject) -> PlanOutcome:
    """
    Judge revisions on a database that the revisions before them have made; no environment is contacted.

    Args:
        request: without an environment: the project's default one says how env.py is called.
    Returns:
        `code` is `plan-fails` where a judged revision fails; no revision where there is nothing to judge.
    Raises:
        Unreachable: `no-plan` where it cannot be told, with the reason.
        Refused: `scratch-not-allowed`.
        UsageError: `usage`, `revision-not-found`.
    """
    if subject.revisions and subject.since:
        raise UsageError("usage", "`--since` says which revisions to judge, so none can be named beside it", "lockgate lint", "leave out one of them")
    graph = _known(graph_of(project), project)
    chosen = _chosen(graph, project, subject, request.environ)
    course = course_of(graph, _without_bootstrapped(chosen, graph, project, notify), together=subject.together)
    if not course.plans:
        return PlanOutcome("", "", Effects(source=REPLAY), Findings())
    edited = edited_since(graph, project.folder, subject.since, request.environ) if subject.since else ()
    history = history_of(graph, (), edited)
    backend = product(project, default_environment(project), request.environ, notify)
    if subject.static:
        return _read(course, history, backend, request, project, style=subject.style)
    steps = len(graph.applied(course.asked)) + (len(course.asked) if course.back else 0)
    try:
        effects = _traced(course, graph, backend, request, project, Progress(notify, steps), together=subject.together)
    except LockgateError as error:
        if error.code not in _NO_SERVER:
            raise
        notify(Notice(f"no scratch server can be had ({error.what}): the SQL of the revisions is read instead, and nothing is run"))
        return _read(course, history, backend, request, project, style=subject.style)
    effects = msgspec.structs.replace(effects, history=history)
    judged = _judged(effects, course, project, style=subject.style)
    return PlanOutcome("", "", effects, judged, "plan-fails" if fails(effects, judged) else "")


def _read(course: Course, history: History | None, backend: str, request: Request, project: Project, *, style: bool) -> PlanOutcome:
    """Judge by the text alone."""
    if not dialect_named(backend).features.embeds:
        raise Unreachable("no-plan", f"the SQL of revisions for {backend} cannot be judged without running it", project.settings_file)
    effects = Effects(source="static", heads=course.before, target=" ".join(course.targets), history=history)
    return PlanOutcome("", "", effects, lint_static(project, course.plans, request.environ, history, style=style))


def _judged(effects: Effects, course: Course, project: Project, *, style: bool) -> Findings:
    """Judge each plan by itself: what one revision makes is new for those that are deployed with it, and somebody's for all others."""
    sources = {revision.file: revision_text(project.folder / revision.file) for revision in effects.revisions}
    traced = {revision.id: revision for revision in effects.revisions}
    plans = [tuple(traced[id_] for id_ in plan if id_ in traced) for plan in course.plans]
    parts = [msgspec.structs.replace(effects, revisions=plan) for plan in plans if plan]
    return joined([judge(part, sources=sources, style=style) for part in parts or [effects]])


def _known(graph: Graph, project: Project) -> Graph:
    if not graph.complete:
        what = "the ids of some revisions are known to Alembic alone, so there is no telling which ones to judge"
        raise Unreachable("no-plan", what, project.settings_file, "write `revision` and `down_revision` as plain texts, or use `lockgate plan ENV`")
    return graph


def _chosen(graph: Graph, project: Project, subject: Subject, environ: Mapping[str, str]) -> tuple[str, ...]:
    order = graph.pending(())
    if subject.revisions:
        check_target(graph, " ".join(subject.revisions))
        asked = {id_ for name in subject.revisions for id_ in _meant(graph, name)}
        return tuple(id_ for id_ in order if id_ in asked)
    if subject.since:
        changed = {path.resolve() for path in changed_since(project.folder, subject.since, environ)}
        return tuple(id_ for id_ in order if Path(project.folder, graph.revisions[id_].file).resolve() in changed)
    return order


def _without_bootstrapped(chosen: tuple[str, ...], graph: Graph, project: Project, notify: Notify) -> tuple[str, ...]:
    past = graph.applied([project.bootstrap.stamp]) if project.bootstrap else frozenset()
    left = sum(id_ in past for id_ in chosen)
    if left:
        notify(Notice(f"not judged: {left} revision{'s' * (left != 1)} that the bootstrap stands for, which nothing runs"))
    return tuple(id_ for id_ in chosen if id_ not in past)


def _meant(graph: Graph, name: str) -> tuple[str, ...]:
    if name in ("head", "heads"):
        return graph.heads
    found = (name,) if name in graph.revisions else tuple(id_ for id_ in graph.revisions if id_.startswith(name))
    if len(found) != 1:
        what = f"`{name}` may be {' or '.join(f'`{id_}`' for id_ in found)}" if found else f"`{name}` is not the id of a revision"
        raise UsageError("revision-not-found", what, "lockgate lint", "name revisions by their ids, or by how one id alone begins")
    return found


def _traced(course: Course, graph: Graph, backend: str, request: Request, project: Project, progress: Progress, *, together: bool) -> Effects:
    like = default_environment(project)
    with (
        other_process(request.environ, project) as child,
        begun(course, graph, backend, request, project, progress) as beginning,
    ):
        tracing = tracing_named(beginning.scratch.url.backend)
        number = len(course.asked)
        where = f"{beginning.product}, {beginning.label}"
        progress.notify(Notice(f"judging {number} revision{'s' * (number != 1)} on a scratch database ({where})"))
        install(tracing, beginning.scratch)
        orders = Orders(
            folder=str(project.folder),
            environment=like.name,
            url=beginning.scratch.url.render().reveal(),
            target=" ".join(course.targets),
            back=course.back,
            only=course.asked,
            apart=not together,
        )
        with explained(beginning.scratch):
            told = obeyed(child, orders, replace(progress, total=progress.total - beginning.there))
        return Effects(
            source=REPLAY,
            scratch=beginning.product,
            heads=course.before,
            target=" ".join(course.targets),
            revisions=told.revisions,
            back=told.back,
            unrestored=told.unrestored,
        )
