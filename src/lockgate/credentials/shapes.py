"""The shapes in which a URL is stored: as it is, in a JSON object under one key, or as the parts that RDS writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from lockgate.errors import Unreachable, UsageError
from lockgate.secret import DatabaseUrl, Secret, parse_url

URL_KEY = "DATABASE_URL"
_POSTGRES = "postgresql"
_ENGINES = {
    **dict.fromkeys(("", "postgres", "postgresql", "aurora-postgresql"), _POSTGRES),
    **dict.fromkeys(("mysql", "aurora-mysql", "aurora"), "mysql"),
    "mariadb": "mariadb",
}
_PARTS = ("host", "username", "password", "dbname")


@dataclass(frozen=True)
class Shape:
    """
    How to read one stored value.

    Args:
        where: the setting, for errors.
        hint: how to repair the stored value; one command to paste.
        key: the JSON key that the settings name; empty where they name none, then `DATABASE_URL` or the RDS shape.
    """

    where: str
    hint: str
    key: str = ""


def read_shape(stored: Secret, shape: Shape) -> DatabaseUrl:
    """
    Read a stored value: a URL, a JSON object with a URL under `DATABASE_URL` or `shape.key`, or the RDS shape.

    Raises:
        Unreachable: `secret-incomplete`; missing keys are named, values never.
        UsageError: `url-invalid` or `database-unsupported`.
    Source: AWS Secrets Manager User Guide, "JSON structure of AWS Secrets Manager database credential secrets".
    """
    parsed = _parse(stored.reveal())
    if isinstance(parsed, str) and "://" in parsed:
        return parse_url(parsed, shape.where)
    if not isinstance(parsed, dict):
        raise Unreachable("secret-incomplete", "this secret is neither a database URL nor a JSON object", shape.where, shape.hint)
    url = Secret(_text(parsed, shape.key or URL_KEY))
    if url:
        return parse_url(url.reveal(), shape.where)
    if shape.key:
        raise _incomplete([shape.key], shape)
    return _read_parts(parsed, shape)


def _parse(text: str) -> object:
    # No error leaves here: json's own holds the whole document, also as the context of whatever is raised after it.
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def _text(fields: Mapping[str, object], key: str) -> str:
    found = fields.get(key)
    return str(found) if isinstance(found, (str, int)) else ""


def _read_parts(fields: Mapping[str, object], shape: Shape) -> DatabaseUrl:
    password = Secret(_text(fields, "password"))
    missing = [key for key in _PARTS if not _text(fields, key)]
    if missing:
        raise _incomplete(missing, shape)
    backend = _ENGINES.get(_text(fields, "engine"))
    if backend is None:
        hint = "lockgate knows postgresql, mysql, mariadb and sqlite"
        raise UsageError("database-unsupported", "the `engine` of this secret is not supported", shape.where, hint)
    port = _text(fields, "port") or ("5432" if backend == _POSTGRES else "3306")
    if not port.isdecimal():
        raise Unreachable("secret-incomplete", "the `port` of this secret is not a number", shape.where, shape.hint)
    return DatabaseUrl(backend, "", _text(fields, "username"), password, _text(fields, "host"), int(port), _text(fields, "dbname"))


def _incomplete(missing: list[str], shape: Shape) -> Unreachable:
    keys = ", ".join(f"`{key}`" for key in missing)
    either = "" if shape.key else f" (and there is no `{URL_KEY}`)"
    return Unreachable("secret-incomplete", f"this secret has no {keys}{either}", shape.where, shape.hint)
