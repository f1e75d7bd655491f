"""The files that decide what an upgrade does, each with its hash."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path

from lockgate.errors import Unreachable, UsageError
from lockgate.files.digest import sources
from lockgate.files.project import read_bytes, read_pyproject, tool_table
from lockgate.files.revisions import read_alembic_layout, revision_paths
from lockgate.settings.load import PYPROJECT
from lockgate.settings.project import Project


def planned_files(project: Project) -> dict[str, str]:
    """
    Hash every byte of the revisions, of what lies beside them (env.py, SQL files), of alembic.ini and of the settings.

    Applied revisions count as well: whatever stands in them at module level may run. Hidden files do not: they are editors' and
    secrets', and a hash would tell of a secret. Of pyproject.toml only our table and Alembic's count.

    Returns:
        SHA-256 in hexadecimal digits by name below the project's folder, by name sorted.
    Raises:
        Unreachable: `no-plan` where only Alembic knows which files belong to the history.
        UsageError: as `read_alembic_layout`; a file cannot be read.
    """
    layout = read_alembic_layout(project)
    if not layout.known:
        what = "only Alembic knows which files belong to this history, so nobody can say whether they are the same later"
        raise Unreachable("no-plan", what, project.alembic_ini, "write `script_location` as a path")
    folders = {Path(layout.script_location), *layout.version_locations}
    beside = {path for folder in folders for path in sources(folder) if path.is_file() and not _is_hidden(path, folder)}
    settings = {project.folder / name for name in (project.alembic_ini, project.settings_file) if Path(name).name != PYPROJECT}
    paths = {*beside, *map(Path, revision_paths(project)), *(path for path in settings if path.is_file())}
    found = {_name(path, project.folder): sha256(read_bytes(path, "revision-unreadable")).hexdigest() for path in paths}
    return dict(sorted({**found, **_tables(project)}.items()))


def check_beside(project: Project, path: Path) -> None:
    """UsageError `usage` for a plan that would lie among the files that it holds: it could never be run."""
    layout = read_alembic_layout(project)
    for folder in {Path(layout.script_location), *layout.version_locations} if layout.known else ():
        if path.resolve().is_relative_to(folder.resolve()):
            raise UsageError("usage", f"`{path.name}` would lie among the files that the plan holds", str(path), "write it elsewhere")


def _tables(project: Project) -> dict[str, str]:
    found = {}
    for folder in {project.folder, (project.folder / project.alembic_ini).parent}:
        document = read_pyproject(folder)
        for tool in ("alembic", "lockgate"):
            table = tool_table(document, tool)
            if table is not None:
                name = f"{_name(folder / PYPROJECT, project.folder)} [tool.{tool}]"
                found[name] = sha256(json.dumps(table, sort_keys=True, default=str).encode()).hexdigest()
    return found


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _name(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
