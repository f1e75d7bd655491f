"""The `url` of an environment: which kind of source it is, with the options of that kind."""

from __future__ import annotations

import re

from lockgate.errors import UsageError
from lockgate.secret import parse_url
from lockgate.settings.decode import FUNCTION, VARIABLE, Table, did_you_mean
from lockgate.settings.project import UrlSource

# The keys that may stand beside each kind; whoever reads the URL knows what is left out.
_OPTIONS: dict[str, tuple[str, ...]] = {
    "env": (),
    "dotenv": ("variable",),
    "aws_secret": ("key", "region", "profile", "timeout", "endpoint"),
    "aws_parameter": ("key", "region", "profile", "timeout", "endpoint"),
    "rds_iam": ("port", "username", "database", "region", "profile", "sslmode", "sslrootcert"),
    "command": ("key", "timeout"),
    "python": (),
    "embedded": ("database",),
    "url": (),
}
_SERVERS = ("postgres",)
_LAST_PORT = 65535
_NO_PASSWORD = 'a password does not belong into the settings; write `url = { env = "DATABASE_URL" }` or `url = { aws_secret = "NAME" }`'


def read_source(environment: Table, key: str = "url") -> UrlSource:
    """
    Read the `url` of one environment, or another key of that shape.

    Returns:
        The source; one without a kind where there were mistakes (they are noted, and no project comes of them).
    """
    if isinstance(environment.raw(key), str):
        return UrlSource("url", _literal(environment, key))
    if key not in environment:
        environment.wrong("", f'`{key}` is missing; write `{key} = {{ env = "DATABASE_URL" }}`')
        return UrlSource("")
    table = environment.table(key)
    return _read_table(table, key) if table else UrlSource("")


def _read_table(table: Table, key: str) -> UrlSource:
    kinds = [kind for kind in _OPTIONS if kind in table]
    if len(kinds) != 1:
        given = f"has {' and '.join(f'`{kind}`' for kind in kinds)}" if kinds else "has none of them"
        near = "" if kinds else "".join(filter(None, [did_you_mean(key, _OPTIONS) for key in table.keys][:1]))
        table.wrong("", f"`{key}` needs exactly one of {', '.join(f'`{kind}`' for kind in _OPTIONS)}; it {given}{near}")
        return UrlSource("")
    kind = kinds[0]
    argv = _argv(table) if kind == "command" else ()
    value = "" if kind == "command" else _value(table, kind)
    options = {key: text for key in _OPTIONS[kind] if (text := _option(table, key))}
    if kind == "rds_iam":
        _demand(table, ("username", "database"))
    table.close()
    return UrlSource(kind, value, argv, options)


def _argv(table: Table) -> tuple[str, ...]:
    words = table.texts("command")
    if not words and table.raw("command") == []:
        table.wrong("command", '`command` is empty; write `command = ["pass", "show", "db/dev"]`')
    return words


def _value(table: Table, kind: str) -> str:
    if kind == "url":
        return _literal(table, "url")
    if kind == "embedded":
        return table.word("embedded", _SERVERS, "")
    if kind == "env":
        return table.text("env", shape=VARIABLE, like="`DATABASE_URL`")
    if kind == "python":
        return table.text("python", shape=FUNCTION, like="`package.module:function`")
    return table.text(kind)


def _option(table: Table, key: str) -> str:
    """Return one option as text; the consumers of options know only texts."""
    if key == "timeout":
        seconds = table.seconds(key)
        return "" if seconds is None else f"{seconds:g}"
    if key == "port":
        return _port(table)
    if key == "variable":
        return table.text(key, shape=VARIABLE, like="`DATABASE_URL`")
    return table.text(key)


def _port(table: Table) -> str:
    port = table.raw("port")
    if port is None:
        return ""
    text = str(port)
    if isinstance(port, bool) or not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) <= _LAST_PORT:
        table.wrong("port", f"`port` must be a whole number from 1 to {_LAST_PORT}")
        return ""
    return text


def _demand(table: Table, keys: tuple[str, ...]) -> None:
    for key in keys:
        if key not in table:
            table.wrong("", f"`{key}` is missing beside `rds_iam`")


def _literal(table: Table, key: str) -> str:
    """Return a literal URL; its text never goes into a mistake."""
    text = table.text(key)
    if not text:
        return ""
    try:
        url = parse_url(text)
    except UsageError as error:
        table.wrong(key, error.what)
        return ""
    if url.password or "password" in url.query:
        table.wrong(key, _NO_PASSWORD)
        return ""
    return text
