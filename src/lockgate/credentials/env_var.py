"""A URL in an environment variable."""

from __future__ import annotations

from lockgate.credentials.source import Source
from lockgate.errors import UsageError
from lockgate.secret import DatabaseUrl, Secret, parse_url


def from_variable(source: Source) -> DatabaseUrl:
    """Read the URL from the variable that the settings name; UsageError `variable-missing` where it is unset or empty."""
    return read_variable(source, source.value)


def read_variable(source: Source, variable: str) -> DatabaseUrl:
    """Read the URL from `variable`; an empty one counts as missing, because it never means "no database"."""
    text = Secret(source.environ.get(variable, "").strip())
    if not text:
        state = "empty" if variable in source.environ else "not set"
        raise UsageError("variable-missing", f"the variable `{variable}` is {state}", source.where, export_hint(variable))
    return parse_url(text.reveal(), source.where)


def export_hint(variable: str) -> str:
    """Return the command that sets the variable, with placeholders."""
    return f"export {variable}=postgresql://USER@HOST:5432/DATABASE"
