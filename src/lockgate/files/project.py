"""Project files: settings, and what all rooms need for reading and writing files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lockgate.errors import CODES, SettingsError, UsageError
from lockgate.settings.load import PYPROJECT, parse_toml, read_settings
from lockgate.settings.project import Project

SETTINGS = "lockgate.toml"
_OUR_TABLE = re.compile(rb"^\s*\[+\s*tool\s*\.\s*[\"']?lockgate\b", re.MULTILINE)


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
    return decoded(read_bytes(path, code), str(path), code)


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


def write_private(path: Path, text: str) -> None:
    """Write a new file that only this user can read, from its first moment; errors as of `write_new`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        hint = "choose another name: a key that is gone cannot be had again"
        raise UsageError("file-exists", f"`{path.name}` is already there; it is left as it is", str(path), hint) from error
    except OSError as error:
        raise UsageError("usage", f"`{path.name}` cannot be written: {error.strerror}", str(path), f"ls -ld {path.parent}") from error


def read_private(path: Path, code: str) -> str:
    """
    Read a file that only this user may be able to read.

    Args:
        code: of the error where it cannot be read, or others may read it as well.
    Raises:
        LockgateError: of the family of `code`.
    """
    text = read_text(path, code)
    if os.name == "posix" and os.stat(path).st_mode & 0o077:
        raise CODES[code](code, f"other users may read `{path.name}`, or write it", str(path), f"chmod 600 {path}")
    return text


def append_text(path: Path, text: str) -> None:
    """Write behind what is in a file, which may not be there yet; UsageError `usage` where it cannot be written."""
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError("usage", f"`{path.name}` cannot be written: {error.strerror}", str(path), f"ls -l {path}") from error


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
    append_text(path, "\n" * (bool(before) and not before.endswith("\n")) + line + "\n")
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


def _has_our_table(path: Path) -> bool:
    """Whether a pyproject.toml is ours too; a broken one that names our table is, so that it is reported and not passed over."""
    try:
        data = read_bytes(path, "settings-syntax")
    except SettingsError:
        return False
    if b"lockgate" not in data:
        return False
    try:
        return tool_table(parse_toml(data.decode("utf-8-sig"), PYPROJECT), "lockgate") is not None
    except (UnicodeDecodeError, SettingsError):
        return bool(_OUR_TABLE.search(data))


def read_bytes(path: Path, code: str) -> bytes:
    """Read a file; an error of the family of `code` where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise CODES[code](code, f"`{path.name}` cannot be read: {error.strerror}", str(path), f"ls -l {path}") from error


def decoded(data: bytes, name: str, code: str) -> str:
    """Decode UTF-8 with or without a byte order mark; parameters as of `read_text`."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_decodable(error, name, code) from error


def not_decodable(error: UnicodeDecodeError, name: str, code: str) -> Exception:
    """Return the error that a file is not in its encoding, naming line and byte."""
    line = error.object.count(b"\n", 0, error.start) + 1
    what = f"the file is not valid {error.encoding.upper()}"
    return CODES[code](code, what, f"{name}:{line}, byte {error.start}", "save it as UTF-8")
