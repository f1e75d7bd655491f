"""One number for everything on disk that decides what a fresh database of the project looks like."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from lockgate.errors import UsageError
from lockgate.files.project import read_pyproject, tool_table
from lockgate.files.revisions import read_alembic_layout, revision_paths
from lockgate.files.seeds import seed_files
from lockgate.seeds.spec import Seed
from lockgate.settings.project import Project

_READ_BY_REVISIONS = (".sql", ".py")
_SCHEMA_FILE = re.compile(r"schema\.(postgresql|sqlite)\.sql")
_NOT_SOURCE = ("__pycache__", ".git", ".lockgate")


def history_digest(project: Project, seeds: Sequence[Seed], without: Collection[Path] = ()) -> str:
    """
    Hash the revisions, what lies beside them (env.py, SQL files), the bootstrap and the seeds with their files.

    Args:
        without: files that are left out.
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
    paths = {project.folder / project.alembic_ini, *_bootstrap_files(project), *(path for folder in folders for path in sources(folder))}
    for path in sorted(path for path in paths.difference(without) if path.is_file()):
        _add(total, os.path.relpath(path, project.folder), path.read_bytes())
    for seed in seeds:
        for file in seed_files(project.folder, seed.file, seed.where):
            _add(total, file.name, file.digest().encode())
    return total.hexdigest()


def beside_digest(project: Project) -> str:
    """
    Hash the bootstrap, and the SQL and Python files beside the revisions that they may read; env.py, schema files and seeds are none.

    Returns:
        Hexadecimal digits; empty where there is no such file.
    Raises: as `read_alembic_layout`.
    """
    layout = read_alembic_layout(project)
    if not layout.known:
        return ""
    folders = {Path(layout.script_location), *layout.version_locations}
    other = {Path(path) for path in revision_paths(project)} | {Path(layout.script_location) / "env.py"} | _paths_of_seeds(project)
    paths = {path for folder in folders for path in sources(folder) if path.suffix in _READ_BY_REVISIONS} - other
    paths = {path for path in paths if not _SCHEMA_FILE.fullmatch(path.name)}.union(_bootstrap_files(project))
    total, found = hashlib.sha256(), sorted(path for path in paths if path.is_file())
    for path in found:
        _add(total, Path(os.path.relpath(path, project.folder)).as_posix(), path.read_bytes())
    return total.hexdigest() if found else ""


def machine_digest(environ: Mapping[str, str]) -> str:
    """
    Hash what decides beside a project's files how its revisions run, and how a new embedded server sorts and tells the time.

    That is the system with its C library, Python, the names and versions of all that is installed for it, and the locale.
    """
    places = [Path(place) for place in sys.path if os.path.isdir(place)]
    installed = sorted({name for place in places for name in os.listdir(place) if name.endswith((".dist-info", ".egg-info"))})
    zone = Path("/etc/localtime")
    locale = {name: value for name, value in environ.items() if name in ("LANG", "LANGUAGE", "TZ") or name.startswith("LC_")}
    total = hashlib.sha256(repr((platform.platform(), sys.version, installed, sorted(locale.items()))).encode())
    total.update(zone.read_bytes() if zone.is_file() else b"")
    return total.hexdigest()


def _paths_of_seeds(project: Project) -> set[Path]:
    found: set[Path] = set()
    for seed in project.seeds:
        with suppress(UsageError):  # a file that is not there, or may not be read, is told where seeds are loaded
            found.update(file.path for file in seed_files(project.folder, seed.file, seed.where))
    return found


def _add(total: hashlib._Hash, name: str, content: bytes) -> None:
    total.update(f"{name}\0{len(content)}\0".encode() + content)


def sources(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[Path]:
    """
    Yield the files of a folder and the folders below it, linked ones too, but for what Python compiled.

    Args:
        above: real paths of the folders on the way here: a link that leads back to one of them is not followed again.
    """
    real = os.path.realpath(folder)
    if real in above:
        return
    _, folders, names = next(os.walk(folder), ("", [], []))
    yield from (folder / name for name in names if not name.endswith((".pyc", ".pyo")))
    for name in folders:
        if name not in _NOT_SOURCE:
            yield from sources(folder / name, above | {real})


def _bootstrap_files(project: Project) -> list[Path]:
    if project.bootstrap is None:
        return []
    if project.bootstrap.file:
        return [project.folder / project.bootstrap.file]
    module = project.bootstrap.python.partition(":")[0].replace(".", "/")
    return [root / f"{module}{ending}" for root in (project.folder / "src", project.folder) for ending in (".py", "/__init__.py")]
