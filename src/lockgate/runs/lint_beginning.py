"""
Where `lint` begins: on an empty database, or on what the revisions before the judged ones make, kept from an earlier call.

What is kept is the whole stopped server on which they ran. It counts only for the very same revisions, in the same order, with the same of all that
is known to have a say in what they do; whatever is in doubt is run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lockgate.dialects.clones import Clones
from lockgate.dialects.connect import dialect_named
from lockgate.errors import LockgateError, Unreachable
from lockgate.events import Notice
from lockgate.files import graph_of
from lockgate.files.digest import history_digest, machine_digest
from lockgate.graph import Graph
from lockgate.graph.course import Course
from lockgate.registry.tables import VERSION
from lockgate.runs.plan_child import Progress, obeyed, other_process
from lockgate.runs.plan_server import embedded, plan_server
from lockgate.runs.scratch_database import ScratchDatabase, default_environment, held, make, scratch_database, scratch_of
from lockgate.runs.scratch_server import ScratchServer, can_embed
from lockgate.runs.traced import Orders
from lockgate.settings.project import Environment, Project
from lockgate.version import __version__
from lockgate.words import Request

if TYPE_CHECKING:
    from lockgate.scratch.kept import Kept

_KIND = "lint"
# Making one costs a second process, a shutdown and an archive; below that number of revisions too many calls are needed to win it back.
_WORTH_KEEPING = 40


@dataclass(frozen=True)
class Beginning:
    """
    A scratch database before the revisions that are to be judged.

    Args:
        product, label: of its server, for people.
        there: number of revisions that it has already.
    """

    scratch: ScratchDatabase
    product: str
    label: str
    there: int = 0


class Past(msgspec.Struct, frozen=True):
    """
    What makes a database what it is before the first judged revision.

    Args:
        ground: stands for all but the revisions.
        revisions: id and SHA-256 of the file of each, in the order in which they run.
    """

    ground: str
    revisions: tuple[str, ...]

    def begins_with(self, other: Past) -> bool:
        """Whether the other one's revisions, on the same ground, are the first of these."""
        return other.ground == self.ground and self.revisions[: len(other.revisions)] == other.revisions


@contextmanager
def begun(
    course: Course, graph: Graph, backend: str, request: Request, project: Project, progress: Progress
) -> Iterator[Beginning]:
    """
    Give a scratch database on which the rest of a course is to be run, and which is gone afterwards; raises as `plan_server`.

    Raises:
        Unreachable: `no-plan` where the revisions before the judged ones do not run.
    """
    like = default_environment(project)
    past = _past(course, graph, project, request.environ) if _may_be_kept(course, backend, like, project) else None
    kept = _provided(past, course, request, project, progress) if past else None
    with plan_server(like, project, request.environ, backend, kept=kept) as server, server.entered() as clones:
        if past and kept and _name(past, clones) in clones.names(_name(past, clones)):
            there = len(_told(kept).revisions)
            label = f"{server.label}; what {there} revisions before make was kept"
            yield Beginning(scratch_of(project, clones, _name(past, clones), like), clones.product, label, there)
            return
        with held(project, clones, _KIND) as name, scratch_database(project, clones, name, like) as scratch:
            yield Beginning(scratch, clones.product, server.label)


@contextmanager
def explained(scratch: ScratchDatabase) -> Iterator[None]:
    """A revision that nobody asked about, or the bootstrap, keeps those behind it from being judged."""
    try:
        yield
    except LockgateError as error:
        if error.code not in ("revision-failed", "bootstrap-failed", "database-error", "foreign-key-violations"):
            raise
        what = f"the history does not run on an empty database up to the revisions that are to be judged: {error.what}"
        hint = "what it needs beside the revisions (base tables: `bootstrap`; an extension, a role: a server of `scratch_url`) is named in the settings"
        raise Unreachable("no-plan", what, error.where or scratch.url.place, hint) from error


def _may_be_kept(course: Course, backend: str, like: Environment, project: Project) -> bool:
    """Several heads may have been reached in more than one order, and a server of somebody else's is not ours to keep."""
    ours = dialect_named(backend).features.embeds and not (like.scratch_url or project.scratch_url)
    return ours and can_embed() and len(course.before) == 1


def _past(course: Course, graph: Graph, project: Project, environ: Mapping[str, str]) -> Past | None:
    """Read what there is now; None where not everything can be told."""
    applied = graph.applied(course.before)
    order = [graph.revisions[id_] for id_ in graph.pending(()) if id_ in applied]
    beside = history_digest(project, (), without=[project.folder / revision.file for revision in graph.revisions.values()])
    if not beside or not all(revision.digest for revision in order):
        return None
    parts = (beside, repr(project), machine_digest(environ), __version__, str(VERSION))
    return Past(sha256("\0".join(parts).encode()).hexdigest(), tuple(f"{revision.id} {revision.digest}" for revision in order))


def _provided(past: Past, course: Course, request: Request, project: Project, progress: Progress) -> Kept | None:
    """Find the one that is nearest, or keep another where it is too far; in a job of CI, whose folder nobody sees again, none is made."""
    from lockgate.scratch.kept import has_room  # here: as for a server

    kept = _nearest(past, project)
    missing = len(past.revisions) - (len(_told(kept).revisions) if kept else 0)
    if missing < _WORTH_KEEPING or request.environ.get("CI") == "true" or not has_room(_folder(project)):
        return kept
    progress.notify(Notice(f"running {missing} revisions before those, to keep what they make for the next call"))
    _keep(past, kept, course, request, project, replace(progress, total=missing))
    return _nearest(past, project)


def _keep(past: Past, kept: Kept | None, course: Course, request: Request, project: Project, progress: Progress) -> None:
    from lockgate.scratch.kept import keep  # here: as for a server

    like = default_environment(project)

    def put_away(data: Path) -> None:
        if _past(course, graph_of(project), project, request.environ) == past:  # nobody has edited a file meanwhile
            keep(_folder(project), msgspec.json.encode(past).decode(), data)

    with other_process(request.environ, project) as child, embedded(kept, put_away) as server:
        with ScratchServer(server.url("postgres"), "embedded server").entered() as clones:
            name = _name(past, clones)
            scratch = scratch_of(project, clones, name, like) if name in clones.names(name) else make(project, clones, name, like)
        url = scratch.url.render().reveal()
        with explained(scratch):
            obeyed(child, Orders(str(project.folder), like.name, url, course.before[0], only=course.asked), progress)


def _nearest(past: Past, project: Project) -> Kept | None:
    from lockgate.scratch.kept import all_kept  # here: as for a server

    fitting: Sequence[Kept] = [kept for kept in all_kept(_folder(project)) if past.begins_with(_told(kept))]
    return max(fitting, key=lambda kept: len(_told(kept).revisions), default=None)


def _told(kept: Kept) -> Past:
    try:
        return msgspec.json.decode(kept.note, type=Past)
    except msgspec.DecodeError:
        return Past("", ())  # it fits nowhere, and goes as the one not used for longest


def _folder(project: Project) -> Path:
    return project.folder / ".lockgate" / _KIND


def _name(past: Past, clones: Clones) -> str:
    return f"{clones.family(_KIND)}{past.ground[:12]}"
