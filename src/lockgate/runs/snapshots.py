"""Snapshots of databases and of files, for the runs that need one."""

from __future__ import annotations

from lockgate.drift.compare import compare
from lockgate.drift.ignore import without_ignored
from lockgate.drift.snapshot import Snapshot, read_json
from lockgate.errors import Busy, UsageError
from lockgate.files import read_text
from lockgate.outcome import Answer
from lockgate.runs.gate import opened
from lockgate.runs.target import Target
from lockgate.settings.project import Project
from lockgate.words import Sight, VersionTable


def snapshot_of(target: Target, seen: Sight, *, grants: bool = False) -> Snapshot:
    """
    Read the schema of a database that was looked at.

    Raises:
        Busy: `lock-timeout`: the server prints no definition of a table that somebody holds exclusively (pg_get_indexdef).
    """
    table = seen.version_table or seen.kept_version_table or VersionTable()
    with opened(target) as session:
        target.dialect.bound_waiting(session, target.environment.lock_wait)
        return target.dialect.snapshot(session, table, seen.heads, grants=grants)


def saved_snapshot(project: Project, file: str) -> Snapshot:
    """
    Read a snapshot of the project.

    Args:
        file: below the project's folder, or absolute.
    Raises:
        UsageError: `snapshot-invalid`.
    """
    return read_json(read_text(project.folder / file, "snapshot-invalid"), file)


def objects_missing(target: Target, project: Project, seen: Sight) -> list[Answer]:
    """
    Ask whether the objects of the project's saved snapshot are there; nothing where it is of another revision.

    Names are all that counts here, so the server's version does not.
    """
    try:
        saved = saved_snapshot(project, project.drift.snapshot)
        if saved.heads != seen.heads:
            return []
        found = snapshot_of(target, seen)
    except (UsageError, Busy) as error:  # the revisions were applied all the same: an answer, not an error that says "changed: nothing"
        return [Answer(f"the objects of {project.drift.snapshot}", "all there", error.what, False)]
    if saved.product != found.product:
        return []
    differences = without_ignored(compare(found, saved), project.drift.ignore)
    missing = [difference.sentence.removesuffix(" is missing") for difference in differences if difference.how == "missing"]
    number = sum(1 for _ in saved.items())
    told = f"missing: {', '.join(missing)}" if missing else "all there"
    return [Answer(f"{number} objects of {project.drift.snapshot}", "all there", told, not missing)]
