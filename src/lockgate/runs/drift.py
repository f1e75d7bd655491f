"""`drift`: how a database differs from what its revisions, a saved snapshot or the models make; reads only."""

from __future__ import annotations

from dataclasses import replace

from lockgate.drift.compare import REVISIONS, SNAPSHOT, Difference, compare, incomparable
from lockgate.drift.ignore import without_ignored
from lockgate.drift.outcome import DriftOutcome
from lockgate.drift.snapshot import Snapshot, write_json
from lockgate.errors import LockgateError, Unreachable, UsageError
from lockgate.events import Notify
from lockgate.files import graph_of, replace_text
from lockgate.graph import Graph
from lockgate.runs.drift_replay import replayed
from lockgate.runs.gate import check_identity, find
from lockgate.runs.snapshots import saved_snapshot, snapshot_of
from lockgate.runs.target import Target
from lockgate.settings.project import Project
from lockgate.words import Request, Sight, VersionTable

REVISIONS_WORD, MODELS_WORD = "revisions", "models"


def drift(request: Request, project: Project, notify: Notify, against: str = REVISIONS_WORD, save: str = "") -> DriftOutcome:
    """
    Compare the schema of an environment; writes nothing to its database.

    Args:
        notify: hears of a replay that begins.
        against: `revisions`, `models`, or the path of a snapshot, below the project's folder or absolute.
        save: write the environment's schema to this file instead of comparing it.
    Returns:
        `code` is `drift` where there is a difference.
    Raises:
        Unreachable: `no-comparison` where it cannot be told, with the reason.
        Refused: `identity-mismatch`: another environment's schema would say nothing about this one.
        UsageError: `usage`, `snapshot-invalid`.
    """
    if save and against != REVISIONS_WORD:
        raise UsageError("usage", "`--save` compares nothing, so `--against` says nothing beside it", "lockgate drift", "leave out one of them")
    saved = None if against in (REVISIONS_WORD, MODELS_WORD) else saved_snapshot(project, against)
    target, seen = find(request, project)
    check_identity(request, target, seen)
    found = snapshot_of(target, seen, grants=project.drift.grants)
    done = DriftOutcome(request.environment, seen.place, seen.heads, against, objects=sum(1 for _ in found.items()))
    if save:
        replace_text(project.folder / save, write_json(found))
        return replace(done, against="", saved=save)
    if saved is not None:
        differences = _against_snapshot(found, saved, target)
    elif against == MODELS_WORD:
        differences = _against_models(request, project, target, seen, notify)
    else:
        _check_revisions(project, target, seen)
        expected, by = replayed(target, project, seen, found, notify)
        done, differences = replace(done, by=by), compare(found, expected, REVISIONS)
    kept = without_ignored(differences, project.drift.ignore)
    return replace(done, differences=kept, ignored=len(differences) - len(kept), code="drift" if kept else "")


def _check_revisions(project: Project, target: Target, seen: Sight) -> Graph:
    """Without knowing what was applied nobody knows what should be there."""
    graph = graph_of(project)
    unknown = graph.unknown(seen.heads) if graph.complete else ()
    if unknown:
        what = f"revision `{unknown[0]}`, which this database is at, is not among the revision files"
        raise no_comparison(what, target, "check out the code that has it")
    if not seen.heads and not seen.empty:
        table, name = seen.version_table or seen.kept_version_table or VersionTable(), target.environment.name
        what = f"this database has objects, but no applied revision in `{table.name}`: there is no telling what should be in it"
        hint = f"where env.py names another table, `lockgate upgrade {name}` finds it, and it is known from then on"
        raise no_comparison(what, target, f"{hint}; where there is none: lockgate stamp {name} REVISION")
    return graph


def no_comparison(what: str, target: Target, hint: str = "") -> LockgateError:
    """Make the error of a question that has no answer."""
    return Unreachable("no-comparison", what, target.where, hint)


def _against_snapshot(found: Snapshot, saved: Snapshot, target: Target) -> tuple[Difference, ...]:
    reason = incomparable(found, saved)
    if reason:
        raise no_comparison(
            f"the snapshot says nothing about this database: {reason}", target, "lockgate drift ENV --save FILE, where all is well"
        )
    return compare(found, saved, SNAPSHOT)


def _against_models(request: Request, project: Project, target: Target, seen: Sight, notify: Notify) -> tuple[Difference, ...]:
    from lockgate.runs.drift_models import against_models  # not above: it needs SQLAlchemy and Alembic, which a snapshot does not

    if not seen.exists:  # env.py's driver would make the file by looking
        raise no_comparison("there is no such file yet", target, f"lockgate upgrade {request.environment}")
    graph = _check_revisions(project, target, seen)
    pending = graph.pending(seen.heads) if graph.complete else ()
    if pending:
        what = f"the models are those of the head, and this database is {len(pending)} revision{'s' * (len(pending) != 1)} behind it"
        raise no_comparison(what, target, f"lockgate upgrade {request.environment}")
    return against_models(request, project, target, seen, graph, notify)
