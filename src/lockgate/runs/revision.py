"""`revision`: a new revision file after the current head."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from lockgate.alembic_seam.plain import as_command_error
from lockgate.alembic_seam.scaffold import AlembicScripts, new_revision, timestamp_id
from lockgate.files import load_project, read_revision_files
from lockgate.graph import check_single_head, check_syntax, read_graph
from lockgate.settings.project import Project, RevisionIds


def revision(project: Project, message: str, now: datetime) -> Path:
    """
    Write a new, empty revision; contacts no database.

    The existing files are read before Alembic imports them: our messages name the file and the line.

    Args:
        message: what the revision does.
        now: the clock; becomes the id.
    Returns:
        The file, absolute.
    Raises:
        UsageError: `multiple-heads`, or whatever is wrong with settings or revision files.
    """
    graph = read_graph(read_revision_files(project).sources)
    check_syntax(graph, graph.revisions)
    check_single_head(graph)
    return new_revision(project, message, now)


def plain_id(scripts: AlembicScripts, settings: Path, message: str, made_up: str, now: datetime) -> str:
    """
    Return the id of a revision that plain `alembic` is about to write; the file's name follows from it by Alembic's own rules.

    Args:
        settings: the project's settings file.
        made_up: what Alembic would take.
        now: the clock; becomes the id where the settings ask for it.
    Raises:
        SettingsError: also an Alembic CommandError; nothing was written.
    """
    with as_command_error():
        project = load_project(settings)
    return timestamp_id(scripts, message, now) if project.revision_ids is RevisionIds.TIMESTAMP else made_up
