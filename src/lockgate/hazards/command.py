"""The first words of a statement, which say what it is."""

from __future__ import annotations

import re

_LEAD = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.S)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$", re.S)
_NOISE = frozenset("or replace unique temp temporary unlogged global local recursive concurrently procedural trusted constraint event".split())
_TWO = frozenset("create alter drop refresh comment".split())
_LONG = {"materialized": "view", "foreign": "table", "event": "trigger", "access": "method"}
_DML = frozenset("SELECT INSERT UPDATE DELETE MERGE WITH TABLE VALUES".split())
_WHOLE = frozenset("BEGIN START COMMIT END ROLLBACK ABORT".split())
_CONTROL = _WHOLE | frozenset("SAVEPOINT RELEASE PREPARE".split())


def command_of(sql: str) -> str:
    """Return `ALTER TABLE`, `CREATE INDEX`, `UPDATE`, ...; what makes no difference to the kind (`UNIQUE`, `OR REPLACE`) is left out."""
    lead = _LEAD.match(sql)
    words: list[str] = re.findall(r"[a-z_]+", sql[lead.end() if lead else 0 :][:200].lower())
    if not words:
        return ""
    first = words[0]
    if first not in _TWO:
        return first.upper()
    rest = [word for word in words[1:] if word not in _NOISE] or [""]
    second = f"{rest[0]} {rest[1]}" if len(rest) > 1 and _LONG.get(rest[0]) == rest[1] else rest[0]
    return f"{first} {second}".upper() if first != "comment" else "COMMENT"


def reads_or_writes_rows(command: str) -> bool:
    """Whether the planner chooses how a statement finds its rows."""
    return command in _DML


def is_control(command: str) -> bool:
    """Whether a statement begins or ends a transaction or a savepoint."""
    return command in _CONTROL


def is_own_commit(command: str, sql: str) -> bool:
    """Whether a statement begins or ends a transaction as a whole; going back to a savepoint does neither."""
    return command in _WHOLE and not sql.lstrip().upper().startswith("ROLLBACK TO")


def is_concurrent(sql: str) -> bool:
    """Whether a statement says CONCURRENTLY outside of quotes and comments."""
    return re.search(r"\bconcurrently\b", _QUOTED.sub(" ", sql), re.I) is not None
