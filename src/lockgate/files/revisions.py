"""The Alembic environment's files: its settings and its revisions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from lockgate.errors import UsageError
from lockgate.files.graph_cache import cached_graph
from lockgate.files.project import decoded, not_decodable, read_bytes, read_pyproject, read_text, tool_table
from lockgate.graph import Graph, is_revision_file
from lockgate.records import dataclass
from lockgate.settings.alembic_ini import AlembicLayout, ini_options, read_layout, toml_options
from lockgate.settings.load import PYPROJECT
from lockgate.settings.project import Project

_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)  # PEP 263
_UNREADABLE = "revision-unreadable"
_AT_ONCE = 1 << 14  # bytes; a longer file is read by other means, and few are


@dataclass(frozen=True)
class RevisionFiles:
    """
    The revision files of a project.

    Args:
        sources: text by path below the project's folder, in the order in which Alembic reads them.
        known: False where only Alembic can find the files; `sources` is then empty.
    """

    sources: Mapping[str, str]
    known: bool = True


def read_alembic_layout(project: Project) -> AlembicLayout:
    """
    Read where the project's Alembic environment keeps its files.

    Raises:
        UsageError: `alembic-missing` where there is none, `alembic-settings` where its settings cannot be understood.
    """
    path = project.folder / project.alembic_ini
    pyproject = tool_table(read_pyproject(path.parent), "alembic")
    toml = toml_options(pyproject, path.parent, PYPROJECT) if isinstance(pyproject, dict) else {}
    ini: dict[str, str] = {}
    if path.name != PYPROJECT and os.path.isfile(path):
        ini = ini_options(read_text(path, "alembic-settings"), path.parent, project.alembic_ini)
    elif not toml:
        hint = 'run `lockgate init`, or write `alembic_ini = "path/to/alembic.ini"` at the top of the settings'
        raise UsageError("alembic-missing", f"there is no Alembic project: `{path.name}` was not found", str(path), hint)
    layout = read_layout(ini, toml, path.parent, project.alembic_ini)
    if layout.known and not os.path.isdir(layout.script_location):
        hint = f"correct `script_location` in {project.alembic_ini}"
        raise UsageError("alembic-missing", "the folder of `script_location` is not there", layout.script_location, hint)
    return layout


def read_revision_files(project: Project) -> RevisionFiles:
    """
    Read every file that Alembic would take for a revision.

    Raises:
        UsageError: see `read_alembic_layout`; `revision-unreadable` or `revision-encoding`, naming file, line and byte.
    """
    layout = read_alembic_layout(project)
    if not layout.known:
        return RevisionFiles({}, known=False)
    return RevisionFiles({name: _text_of(path, name) for name, path in _named(project, layout)})


def revision_paths(project: Project) -> list[str]:
    """Return the paths of all revision files; raises as `read_alembic_layout`."""
    return [path for _, path in _named(project, read_alembic_layout(project))]


def graph_of(project: Project) -> Graph:
    """
    Read the project's revision graph; not `complete` where Alembic has to be asked for it.

    Every file is read and hashed, each time; only a file with other content than before is parsed.

    Raises:
        UsageError: `no-revisions`; see also `read_revision_files` and `read_graph`.
    """
    layout = read_alembic_layout(project)
    if not layout.known:
        return Graph({}, complete=False)
    paths = dict(_named(project, layout))
    if not paths:
        where = ", ".join(str(folder) for folder in layout.version_locations)
        raise UsageError("no-revisions", "the project has no revision yet", where, 'lockgate revision -m "create the first table"')
    digests = {name: sha256(_read_whole(path)).hexdigest() for name, path in paths.items()}
    return cached_graph(Path(layout.script_location), digests, lambda name: _source_of(paths[name], name))


def _named(project: Project, layout: AlembicLayout) -> Iterator[tuple[str, str]]:
    """Yield the name below the project's folder and the path of each revision file, in Alembic's order."""
    seen: set[str] = set()
    here = f"{project.folder}{os.sep}"
    for folder in layout.version_locations:
        for path, real in _revision_paths(str(folder), layout.recursive):
            if real not in seen:
                seen.add(real)
                name = path.removeprefix(here)
                yield name if os.sep == "/" else name.replace(os.sep, "/"), path


def _source_of(path: str, name: str) -> tuple[str, str]:
    data = read_bytes(Path(path), _UNREADABLE)
    return sha256(data).hexdigest(), _source_text(data, name)


def _text_of(path: str, name: str) -> str:
    return _source_text(read_bytes(Path(path), _UNREADABLE), name)


def _read_whole(path: str) -> bytes:
    """Read a small file in the fewest calls of the system: a history has thousands."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return read_bytes(Path(path), _UNREADABLE)  # which has the words for it
    try:
        data = os.read(descriptor, _AT_ONCE)
        return data if len(data) < _AT_ONCE else read_bytes(Path(path), _UNREADABLE)
    except OSError:
        return read_bytes(Path(path), _UNREADABLE)
    finally:
        os.close(descriptor)


def revision_text(path: Path) -> str:
    """Return the text of one revision file as Python reads it; empty where there is none, as beside compiled revisions."""
    if path.suffix != ".py" or not path.is_file():
        return ""
    return _source_text(read_bytes(path, _UNREADABLE), str(path))


def _revision_paths(folder: str, recursive: bool) -> Iterator[tuple[str, str]]:
    """Yield path and real path, in Alembic's order: files of a folder by name, then its subfolders."""
    if not os.path.isdir(folder) or os.path.basename(folder).endswith("__pycache__"):
        return
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    real_folder = os.path.realpath(folder)
    for entry in entries:
        if is_revision_file(entry.name) and not entry.is_dir():
            real = os.path.realpath(entry.path) if entry.is_symlink() else f"{real_folder}{os.sep}{entry.name}"
            yield entry.path, real
    if recursive:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _revision_paths(entry.path, recursive)


def _source_text(data: bytes, name: str) -> str:
    """Decode Python source as Python itself would."""
    coding = _CODING.search(b"\n".join(data.splitlines()[:2])) if not data.isascii() else None
    try:
        if coding and not data.startswith(b"\xef\xbb\xbf"):
            return data.decode(coding[1].decode())
    except LookupError as error:
        hint = "save it as UTF-8 and delete the line that says otherwise"
        raise UsageError("revision-encoding", "a revision file names an encoding that Python does not know", f"{name}:1", hint) from error
    except UnicodeDecodeError as error:
        raise not_decodable(error, name, "revision-encoding") from error
    return decoded(data, name, "revision-encoding")
