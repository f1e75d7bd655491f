"""
The only room that opens project files.

Re-exported here is what a look at a project needs; seeds, exports and the digest of a history are imported from their modules.
"""

from lockgate.files.graph_cache import is_unedited, keep_trees, recall_trees, remember_unedited
from lockgate.files.project import (
    SETTINGS,
    append_line,
    append_text,
    find_settings,
    load_project,
    name_in_pyproject,
    private_file,
    read_private,
    read_pyproject,
    read_text,
    replace_text,
    tool_table,
    write_new,
    write_private,
)
from lockgate.files.revisions import RevisionFiles, graph_of, read_alembic_layout, read_revision_files, revision_text

__all__ = [
    "RevisionFiles",
    "SETTINGS",
    "append_line",
    "append_text",
    "find_settings",
    "graph_of",
    "is_unedited",
    "keep_trees",
    "load_project",
    "name_in_pyproject",
    "private_file",
    "read_alembic_layout",
    "read_private",
    "read_pyproject",
    "read_revision_files",
    "read_text",
    "recall_trees",
    "remember_unedited",
    "replace_text",
    "revision_text",
    "tool_table",
    "write_new",
    "write_private",
]
