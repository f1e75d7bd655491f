"""A URL in a dotenv file: exactly the file that the settings name, never one found in a parent folder."""

from __future__ import annotations

import re
from pathlib import Path

from lockgate.credentials.env_var import export_hint, read_variable
from lockgate.credentials.shapes import URL_KEY
from lockgate.credentials.source import Source
from lockgate.errors import SettingsError, UsageError
from lockgate.secret import DatabaseUrl, Secret, parse_url

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(?P<value>.*)")
_QUOTED = re.compile(r"""(?:'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)")\s*(?:#.*)?""")
_COMMENT = re.compile(r"(?:^|\s)#")
_ESCAPED = re.compile(r"\\([\\\"'$nrt])")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def from_dotenv(source: Source) -> DatabaseUrl:
    """
    Read the URL from a variable of a dotenv file; the process's own variable of that name wins.

    Only the wanted variable's line has to be well-formed: the file belongs to other tools as well. No interpolation, so a
    password with `$` means itself; of two assignments the last counts.

    Raises:
        UsageError: `variable-missing`: no such file, or the variable is in neither place, or empty.
        SettingsError: `settings-syntax`: the variable's line cannot be read.
    """
    variable = source.options.get("variable", URL_KEY)
    if variable in source.environ:
        return read_variable(source, variable)
    path = source.folder / source.value
    url = _read_value(_read_file(path, variable, source), variable, source)
    if not url:
        what = f"the variable `{variable}` is neither set nor has it a value in `{path}`"
        raise UsageError("variable-missing", what, source.where, export_hint(variable))
    return parse_url(url.reveal(), source.where)


def _read_file(path: Path, variable: str, source: Source) -> str:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        what = f"the variable `{variable}` is not set, and its dotenv file `{path}` cannot be read: {error.strerror}"
        raise UsageError("variable-missing", what, source.where, export_hint(variable)) from error


def _read_value(text: str, variable: str, source: Source) -> Secret:
    found = Secret("")
    for number, line in enumerate(text.splitlines(), 1):
        assignment = _ASSIGNMENT.fullmatch(line)
        if assignment and assignment["name"] == variable:
            found = _unquote(assignment["value"], f"{source.value}:{number}, {source.where}")
    return found


def _unquote(text: str, where: str) -> Secret:
    if not text.startswith(("'", '"')):
        return Secret(_COMMENT.split(text, maxsplit=1)[0].strip())
    value = _QUOTED.fullmatch(text.strip())
    if not value:
        hint = "write `NAME='value'`, both quotes on one line"
        raise SettingsError("settings-syntax", "this line of the dotenv file cannot be read", where, hint)
    if value["single"] is not None:
        return Secret(value["single"])
    return Secret(_ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), value["double"]))
