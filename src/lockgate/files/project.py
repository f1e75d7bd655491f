"""Project files: settings, Alembic's ini file, revision files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockgate.errors import CODES, SettingsError, UsageError
from lockgate.graph import Graph, is_revision_file, read_graph
from lockgate.settings.alembic_ini import AlembicLayout, ini_options, read_layout, toml_options
from lockgate.settings.load import PYPROJECT, parse_toml, read_settings
from lockgate.settings.project import Project

SETTINGS = "lockgate.toml"
_OUR_TABLE = re.compile(rb"^\s*\[+\s*tool\s*\.\s*[\"']?lockgate\b", re.MULTILINE)
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)  # PEP 263
_REVISION_UNREADABLE = "revision-unreadable"


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


def find_settings(start: Path) -> Path | None:
    """
    Look for the settings from `start` upwards: `lockgate.toml`, or a `pyproject.toml` with `[tool.lockgate]`.

    Args:
        start: a folder, or a file in it.
    Returns:
        The nearest file, absolute; None where there is none up to the root.
    """
    here = Path(os.path.abspath(start))
    for folder in (here, *here.parents):
        if os.path.isfile(folder / SETTINGS):
            return folder / SETTINGS
        if _has_our_table(folder / PYPROJECT):
            return folder / PYPROJECT
    return None


def load_project(path: Path) -> Project:
    """
    Load the settings of the project that `path` lies in.

    Args:
        path: a folder, or a file in it; the folders above are searched as well.
    Raises:
        SettingsError: `settings-missing`, `settings-both`, `settings-syntax` or `settings-invalid`.
    """
    found = find_settings(path)
    if found is None:
        where = f"{os.path.abspath(path)} and the folders above it"
        raise SettingsError("settings-missing", f"there is no `{SETTINGS}` and no `[tool.lockgate]`", where, "run `lockgate init`")
    folder = found.parent
    pyproject = read_pyproject(folder)
    if found.name == SETTINGS and tool_table(pyproject, "lockgate") is not None:
        what = f"the settings are in two places: `{SETTINGS}` and `[tool.lockgate]` of `{PYPROJECT}`"
        raise SettingsError("settings-both", what, str(folder), f"keep `{SETTINGS}` and delete `[tool.lockgate]`")
    return read_settings(read_text(found, "settings-syntax"), found.name, folder, name_in_pyproject(pyproject))


def read_pyproject(folder: Path) -> dict[str, Any]:
    """Return the `pyproject.toml` of a folder, empty where there is none; SettingsError `settings-syntax`."""
    path = folder / PYPROJECT
    return parse_toml(read_text(path, "settings-syntax"), PYPROJECT) if os.path.isfile(path) else {}


def name_in_pyproject(pyproject: Mapping[str, Any]) -> str:
    """Return `[project] name`, empty where there is none."""
    table = pyproject.get("project")
    name = table.get("name") if isinstance(table, dict) else None
    return name if isinstance(name, str) else ""


def tool_table(pyproject: Mapping[str, Any], name: str) -> Any:
    """Return `[tool.NAME]`, None where there is none."""
    tools = pyproject.get("tool")
    return tools.get(name) if isinstance(tools, dict) else None


def read_text(path: Path, code: str) -> str:
    """
    Read a UTF-8 file, with or without a byte order mark.

    Args:
        code: of the error where the file cannot be read or is not UTF-8.
    Raises:
        LockgateError: of the family of `code`, naming file, line and byte.
    """
    return _decoded(_read_bytes(path, code), str(path), code)


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet; UsageError `file-exists` where it is, `usage` where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError("file-exists", f"`{path.name}` is already there; it is left as it is", str(path), "edit it") from error
    except OSError as error:
        raise UsageError("usage", f"`{path.name}` cannot be written: {error.strerror}", str(path), f"ls -ld {path.parent}") from error


def replace_text(path: Path, text: str) -> None:
    """Write a file in the place of what was there; nobody sees half of it. UsageError `usage` where it cannot be written."""
    beside = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except OSError as error:
        raise UsageError("usage", f"`{path.name}` cannot be written: {error.strerror}", str(path), f"ls -ld {path.parent}") from error


def append_line(path: Path, line: str) -> bool:
    """
    Add a line to a text file, unless it has that line already.

    Returns:
        Whether the file was changed or made.
    Raises:
        UsageError: `usage` where it cannot be read or written.
    """
    before = read_text(path, "usage") if os.path.isfile(path) else ""
    if line in (known.strip() for known in before.splitlines()):
        return False
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write("\n" * (bool(before) and not before.endswith("\n")) + line + "\n")
    except OSError as error:
        raise UsageError("usage", f"`{path.name}` cannot be written: {error.strerror}", str(path), f"ls -l {path}") from error
    return True


@contextmanager
def private_file(text: str) -> Iterator[Path]:
    """Write a file that only this user can read; it is gone when the block ends."""
    import tempfile  # here: it costs a start more than all of this module, and one verb needs it

    descriptor, name = tempfile.mkstemp(prefix="lockgate-")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        yield Path(name)
    finally:
        os.unlink(name)


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
    sources: dict[str, str] = {}
    seen: set[str] = set()
    for folder in layout.version_locations:
        for path, real in _revision_paths(str(folder), layout.recursive):
            if real not in seen:
                seen.add(real)
                name = path.removeprefix(f"{project.folder}{os.sep}")
                sources[name.replace(os.sep, "/")] = _source_text(_read_bytes(Path(path), _REVISION_UNREADABLE), name)
    return RevisionFiles(sources)


def graph_of(project: Project) -> Graph:
    """
    Read the project's revision graph; not `complete` where Alembic has to be asked for it.

    Raises:
        UsageError: `no-revisions`; see also `read_revision_files` and `read_graph`.
    """
    files = read_revision_files(project)
    if not files.known:
        return Graph({}, complete=False)
    if not files.sources:
        where = ", ".join(str(folder) for folder in read_alembic_layout(project).version_locations)
        raise UsageError("no-revisions", "the project has no revision yet", where, 'lockgate revision -m "create the first table"')
    return read_graph(files.sources)


def revision_text(path: Path) -> str:
    """Return the text of one revision file as Python reads it; empty where there is none, as beside compiled revisions."""
    if path.suffix != ".py" or not path.is_file():
        return ""
    return _source_text(_read_bytes(path, _REVISION_UNREADABLE), str(path))


def _has_our_table(path: Path) -> bool:
    """Whether a pyproject.toml is ours too; a broken one that names our table is, so that it is reported and not passed over."""
    try:
        data = _read_bytes(path, "settings-syntax")
    except SettingsError:
        return False
    if b"lockgate" not in data:
        return False
    try:
        return tool_table(parse_toml(data.decode("utf-8-sig"), PYPROJECT), "lockgate") is not None
    except (UnicodeDecodeError, SettingsError):
        return bool(_OUR_TABLE.search(data))


def _revision_paths(folder: str, recursive: bool) -> Iterator[tuple[str, str]]:
    """Yield path and real path, in Alembic's order: files of a folder by name, then its subfolders."""
    if not os.path.isdir(folder) or os.path.basename(folder).endswith("__pycache__"):
        return
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    real_folder = os.path.realpath(folder)
    for entry in entries:
        if is_revision_file(entry.name) and not entry.is_dir():
            real = os.path.realpath(entry.path) if entry.is_symlink() else os.path.join(real_folder, entry.name)
            yield entry.path, real
    if recursive:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _revision_paths(entry.path, recursive)


def _read_bytes(path: Path, code: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise CODES[code](code, f"`{path.name}` cannot be read: {error.strerror}", str(path), f"ls -l {path}") from error


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
        raise _not_decodable(error, name, "revision-encoding") from error
    return _decoded(data, name, "revision-encoding")


def _decoded(data: bytes, name: str, code: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_decodable(error, name, code) from error


def _not_decodable(error: UnicodeDecodeError, name: str, code: str) -> Exception:
    line = error.object.count(b"\n", 0, error.start) + 1
    what = f"the file is not valid {error.encoding.upper()}"
    return CODES[code](code, what, f"{name}:{line}, byte {error.start}", "save it as UTF-8")
