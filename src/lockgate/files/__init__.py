"""The only room that opens project files."""

from lockgate.files.digest import history_digest
from lockgate.files.exports import Drafts, drafts, inside, refuse_existing
from lockgate.files.project import (
    SETTINGS,
    RevisionFiles,
    append_line,
    find_settings,
    graph_of,
    load_project,
    name_in_pyproject,
    private_file,
    read_alembic_layout,
    read_pyproject,
    read_revision_files,
    read_text,
    replace_text,
    revision_text,
    tool_table,
    write_new,
)
from lockgate.files.seeds import SeedFile, seed_file, seed_files

__all__ = [
    "Drafts",
    "RevisionFiles",
    "SETTINGS",
    "SeedFile",
    "append_line",
    "drafts",
    "find_settings",
    "graph_of",
    "history_digest",
    "inside",
    "load_project",
    "name_in_pyproject",
    "private_file",
    "read_alembic_layout",
    "read_pyproject",
    "read_revision_files",
    "read_text",
    "replace_text",
    "refuse_existing",
    "revision_text",
    "seed_file",
    "seed_files",
    "tool_table",
    "write_new",
]
