"""`revision`: a new revision file after the current head."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from lockgate.alembic_seam.scaffold import new_revision
from lockgate.files import read_revision_files
from lockgate.graph import check_single_head, check_syntax, read_graph
from lockgate.settings.project import Project


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
