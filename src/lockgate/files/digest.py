"""One number for everything on disk that decides what a fresh database of the project looks like."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from lockgate.files.project import read_pyproject, tool_table
from lockgate.files.revisions import read_alembic_layout
from lockgate.files.seeds import seed_files
from lockgate.seeds.spec import Seed
from lockgate.settings.project import Project

_NOT_SOURCE = ("__pycache__", ".git", ".lockgate")


def history_digest(project: Project, seeds: Sequence[Seed]) -> str:
    """
    Hash the revisions, what lies beside them (env.py, SQL files), the bootstrap and the seeds with their files.

    Returns:
        Hexadecimal digits; empty where only Alembic knows which files belong to the history.
    Raises:
        UsageError: `seed-missing-file`, and as `read_alembic_layout`.
    """
    layout = read_alembic_layout(project)
    if not layout.known:
        return ""
    total = hashlib.sha256(repr((project.alembic_ini, project.name, project.bootstrap, seeds)).encode())
    total.update(json.dumps(tool_table(read_pyproject(project.folder), "alembic"), sort_keys=True).encode())
    folders = {Path(layout.script_location), *layout.version_locations}
    paths = {project.folder / project.alembic_ini, *_bootstrap_files(project), *(path for folder in folders for path in _sources(folder))}
    for path in sorted(path for path in paths if path.is_file()):
        _add(total, os.path.relpath(path, project.folder), path.read_bytes())
    for seed in seeds:
        for file in seed_files(project.folder, seed.file, seed.where):
            _add(total, file.name, file.digest().encode())
    return total.hexdigest()


def _add(total: hashlib._Hash, name: str, content: bytes) -> None:
    total.update(f"{name}\0{len(content)}\0".encode() + content)


def _sources(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _NOT_SOURCE]
        yield from (Path(here, name) for name in names if not name.endswith((".pyc", ".pyo")))


def _bootstrap_files(project: Project) -> list[Path]:
    if project.bootstrap is None:
        return []
    if project.bootstrap.file:
        return [project.folder / project.bootstrap.file]
    module = project.bootstrap.python.partition(":")[0].replace(".", "/")
    return [root / f"{module}{ending}" for root in (project.folder / "src", project.folder) for ending in (".py", "/__init__.py")]
