"""Text of `alembic.ini`, or `[tool.alembic]` of `pyproject.toml`, to the folders that hold revisions."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockgate.errors import UsageError
from lockgate.records import dataclass

_SECTION = "alembic"
_SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}
_LEGACY_SEPARATOR = re.compile(r", *|(?: +)")
_REFERENCE = re.compile(r"%(?:%|\(([^)]*)\)s|)")
DEFAULT_FILE_TEMPLATE = "%(rev)s_%(slug)s"  # Alembic's own
_DEEPEST = 10  # configparser.MAX_INTERPOLATION_DEPTH

Options = Mapping[str, Any]


@dataclass(frozen=True)
class AlembicLayout:
    """
    Where an Alembic project keeps its files.

    Args:
        script_location: absolute folder of env.py, or `package:path` as written.
        version_locations: absolute folders of revision files, never empty where `known`.
        recursive: revisions are looked for in subfolders as well.
        file_template: how new files are named, below a version location and without `.py`.
        known: False where the folders cannot be told without Alembic: one of them lies inside a package, or revisions
            may be compiled files without source.
    """

    script_location: str
    version_locations: tuple[Path, ...] = ()
    recursive: bool = False
    known: bool = True
    file_template: str = DEFAULT_FILE_TEMPLATE


def ini_options(text: str, here: Path, where: str) -> dict[str, str]:
    """
    Read the section `[alembic]` of an ini file, with `%(here)s` and other references expanded.

    Only the options that say where files are: an option such as `sqlalchemy.url` may hold a password with a raw percent
    sign, which is no business of a reader of paths.

    Args:
        here: the absolute folder of the ini file.
        where: the file, for errors.
    Returns:
        The options; empty where there is no such section.
    Raises:
        UsageError: `alembic-settings`.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text.removeprefix("\ufeff"))
    except configparser.Error as error:
        # The parser's own message quotes the line, which may hold a URL, so it is neither shown nor chained.
        place = f"{where}:{line}" if (line := _line_of(error)) else where
        hint = "every line is `[section]`, `key = value`, a comment or an indented continuation"
        raise UsageError("alembic-settings", "Alembic's ini file cannot be parsed", place, hint) from None
    if not parser.has_section(_SECTION):
        return {}
    options = {**dict(parser.items(_SECTION)), "here": here.as_posix()}
    return {key: _expanded(options, key, where, 0) for key in _READ if key in options}


def toml_options(table: Mapping[str, Any], here: Path, where: str) -> dict[str, Any]:
    """
    Read `[tool.alembic]`, with `%(here)s` expanded.

    Args:
        table: the table as parsed.
        here: the absolute folder of the file.
        where: the file, for errors.
    Raises:
        UsageError: `alembic-settings`.
    """
    options: dict[str, Any] = {}
    for key in _READ:
        value = table.get(key)
        if isinstance(value, str):
            options[key] = _expanded({key: value, "here": here.as_posix()}, key, where, 0)
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            options[key] = [_expanded({key: item, "here": here.as_posix()}, key, where, 0) for item in value]
        elif isinstance(value, bool):
            options[key] = value
        elif value is not None:
            hint = "paths are texts or lists of texts, switches are true or false"
            raise UsageError("alembic-settings", f"`{key}` is of the wrong kind", f"{where}, [tool.alembic]", hint)
    return options


def read_layout(ini: Options, toml: Options, folder: Path, where: str) -> AlembicLayout:
    """
    Tell where revisions are, as Alembic 1.18 to 1.20 does: each option from the ini file, else from pyproject.toml.

    Args:
        ini: see `ini_options`.
        toml: see `toml_options`.
        folder: the absolute folder of the ini file; relative paths start here, as if `alembic` was called in it.
        where: the file, for errors.
    Raises:
        UsageError: `alembic-settings` where `script_location` is missing or a value is not understood.
    """
    script = ini.get("script_location", toml.get("script_location"))
    if not script or not isinstance(script, str):
        hint = "write `script_location = %(here)s/migrations` below `[alembic]`"
        raise UsageError("alembic-settings", "Alembic's settings have no `script_location`", where, hint)
    written = _split(ini, where) or toml.get("version_locations") or (f"{script}/versions",)
    locations = [written] if isinstance(written, str) else list(written)
    recursive = _flag(ini, toml, "recursive_version_locations")
    template = str(ini.get("file_template") or toml.get("file_template") or DEFAULT_FILE_TEMPLATE)
    if any(_in_package(location) for location in (script, *locations)) or _flag(ini, toml, "sourceless"):
        return AlembicLayout(script, recursive=recursive, known=False, file_template=template)
    return AlembicLayout(str(folder / script), tuple(folder / location for location in locations), recursive, file_template=template)


_READ = (
    "script_location",
    "version_locations",
    "path_separator",
    "version_path_separator",
    "recursive_version_locations",
    "sourceless",
    "file_template",
)


def _expanded(options: Mapping[str, str], key: str, where: str, depth: int) -> str:
    """Return an option with its references replaced, as configparser's BasicInterpolation does."""

    def replacement(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        name = (found[1] or "").lower()
        if name not in options or depth >= _DEEPEST:
            hint = "write a percent sign as `%%`; only `%(here)s` and options of the same section can be referred to"
            raise UsageError("alembic-settings", f"`{key}` refers to something that is not there", f"{where}, [{_SECTION}]", hint)
        # `here` is a path of the machine: a percent sign in it stands for itself.
        return options[name] if name == "here" else _expanded(options, name, where, depth + 1)

    return _REFERENCE.sub(replacement, options[key])


def _split(ini: Options, where: str) -> list[str]:
    """Return the ini file's `version_locations`, split by whichever separator it names."""
    text = ini.get("version_locations")
    if not text:
        return []
    name = ini.get("path_separator", ini.get("version_path_separator"))
    if name is None:
        return _LEGACY_SEPARATOR.split(text)
    if name not in _SEPARATORS:
        raise UsageError("alembic-settings", "`path_separator` is not understood", where, "write `path_separator = os`")
    return [location.strip() for location in text.split(_SEPARATORS[name]) if location.strip()]


def _flag(ini: Options, toml: Options, key: str) -> bool:
    return bool(ini[key] == "true") if key in ini else toml.get(key) is True


def _in_package(location: str) -> bool:
    return ":" in location and not os.path.isabs(location)


def _line_of(error: configparser.Error) -> int:
    line = getattr(error, "lineno", None)
    errors = getattr(error, "errors", None)  # ParsingError: pairs of line number and text
    return int(line or (errors[0][0] if errors else 0))
