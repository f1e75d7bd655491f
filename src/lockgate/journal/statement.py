"""
What one statement of MariaDB or MySQL does to the transaction that it runs in, told by its first words.

Whatever is not known to stay inside the transaction counts as leaving it: a wrong guess then costs a row in the journal, the other
way round it would cost a row of data, written twice.

Source: MySQL 8.0 manual, 15.3.3 Statements That Cause an Implicit Commit; MariaDB Knowledge Base, SQL statements That Cause an
Implicit Commit.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass


class Kind(str, enum.Enum):
    """What a statement means for the journal."""

    READ = "read"  # its answer is kept, so that a resumed revision decides as it did before
    WRITE = "write"  # inside the transaction, together with its row in the journal
    DDL = "ddl"  # commits by itself, before and after; whether it happened can be seen
    OTHER = "other"  # commits, or may commit; nobody can see whether it happened
    SESSION = "session"  # says something to this session only: run again in every run
    CONTROL = "control"  # begins or ends transactions: never written down


@dataclass(frozen=True)
class Thing:
    """An object that a statement of DDL is about; `kind` is `table`, `view`, `trigger`, `routine`, `event` or `sequence`."""

    kind: str
    name: str
    schema: str = ""


@dataclass(frozen=True)
class Statement:
    """
    A statement that was read.

    Args:
        things: whose definitions tell whether it happened.
        again: running it a second time does what the first time did.
        drops: it happened when every one of its things is gone.
    """

    kind: Kind
    things: tuple[Thing, ...] = ()
    again: bool = False
    drops: bool = False


_SPACE = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|/\*(?![!M]).*?\*/)+", re.S)
_CONDITION = re.compile(r"/\*M?!\d*|\*/")  # what stands inside is run
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`]|``)*`|--[^\n]*|#[^\n]*|/\*.*?\*/", re.S)
_NAME = r"(?:`(?:[^`]|``)+`|[\w$]+)"
_WHOLE = rf"({_NAME})(?:\s*\.\s*({_NAME}))?"
_READS = ("select", "show", "describe", "desc", "explain", "table", "values")
_WRITES = ("insert", "update", "delete", "replace", "load")
_SESSION = ("use", "prepare", "deallocate", "do", "lock", "unlock", "handler", "signal", "help", "kill", "delimiter")
_CONTROL = ("begin", "start", "commit", "rollback", "savepoint", "release", "xa")
_HARMLESS = ("truncate", "analyze", "optimize", "check", "checksum", "repair", "flush", "grant", "revoke", "comment")
_DDL = ("create", "alter", "drop", "rename")
_KINDS = {
    "table": "table",
    "view": "view",
    "sequence": "sequence",
    "trigger": "trigger",
    "procedure": "routine",
    "function": "routine",
    "event": "event",
}
_OBJECT = re.compile(
    rf"(?:create|alter|drop)\b(?:\s+or\s+replace)?.*?\b(table|view|sequence|trigger|procedure|function|event)\s+"
    rf"(?P<cautious>if\s+(?:not\s+)?exists\s+)?{_WHOLE}",
    re.I | re.S,
)
_DROPPED = re.compile(rf"drop\s+(table|view|sequence)\s+(?:if\s+exists\s+)?({_NAME}(?:\s*\.\s*{_NAME})?(?:\s*,\s*{_NAME}(?:\s*\.\s*{_NAME})?)*)", re.I)
_INDEX = re.compile(rf"(?:create|drop)\b.*?\bindex\b.*?\bon\s+{_WHOLE}", re.I | re.S)
_RENAMED = re.compile(rf"{_WHOLE}\s+(?:wait\s+\d+\s+|nowait\s+)?to\s+{_WHOLE}", re.I)
_TARGET = re.compile(rf"(?:insert|replace|update|delete)\b(?:\s+(?:low_priority|delayed|high_priority|quick|ignore|into|from))*\s+{_WHOLE}", re.I)
_TEMPORARY = re.compile(rf"(?:create|drop)\s+(?:or\s+replace\s+)?temporary\s+table\s+(?:if\s+(?:not\s+)?exists\s+)?{_WHOLE}", re.I)
_AGAIN = re.compile(r"create\s+or\s+replace\b|(?:create|drop)\b[^(]*?\bif\s+(?:not\s+)?exists\b|(?:alter|create|drop)\s+(?:database|schema)\b", re.I)
_INTO_FILE = re.compile(r"\binto\s+(?:outfile|dumpfile)\b", re.I)


def read(sql: str) -> Statement:
    """
    Read one statement.

    Args:
        sql: as the driver gets it; parameters may stand for values.
    """
    text = _CONDITION.sub(" ", _SPACE.sub(" ", sql)).strip().rstrip("; \n")
    first = (re.match(r"\(*\s*([a-z]+)", text, re.I) or [""])[0].strip("( ").lower()
    if ";" in _QUOTED.sub("", text):
        return Statement(Kind.OTHER)  # several at once
    if first == "with":
        first = _behind_with(text)
    if first == "set":
        return Statement(Kind.OTHER, again=True) if re.match(r"set\s+(?:global|password|@@global)", text, re.I) else Statement(Kind.SESSION)
    if first in _READS:
        return Statement(Kind.OTHER if _INTO_FILE.search(text) else Kind.READ)
    for words, found in (
        (_WRITES, Statement(Kind.WRITE)),
        (_SESSION, Statement(Kind.SESSION)),
        (_CONTROL, Statement(Kind.CONTROL)),
        (_HARMLESS, Statement(Kind.OTHER, again=True)),
    ):
        if first in words:
            return found
    return _ddl(text, first) if first in _DDL else Statement(Kind.OTHER)


def temporary_table(sql: str) -> str:
    """Return the name of the temporary table that a statement makes or drops; empty for any other statement."""
    found = _TEMPORARY.match(_SPACE.sub(" ", sql).strip())
    return _plain(found[2] or found[1]).lower() if found else ""


def written_table(sql: str) -> str:
    """Return the name of the table that an INSERT, UPDATE or DELETE writes; empty where its words do not tell."""
    found = _TARGET.match(_SPACE.sub(" ", sql).strip())
    return _plain(found[2] or found[1]).lower() if found else ""


def _behind_with(text: str) -> str:
    """A WITH is what comes behind its queries: the first word outside of brackets that begins a statement."""
    depth = 0
    for found in re.finditer(r"[()]|\b(?:select|insert|update|delete|replace)\b", _QUOTED.sub("x", text), re.I):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0 and found[0] not in "()":
            return found[0].lower()
    return "select"


def _ddl(text: str, first: str) -> Statement:
    again = bool(_AGAIN.match(text))
    if _TEMPORARY.match(text):
        return Statement(Kind.SESSION)
    if first == "rename":
        things = [Thing("table", *_parts(*found)) for pair in _RENAMED.findall(text) for found in (pair[:2], pair[2:])]
        return Statement(Kind.DDL, tuple(things))
    if found := _DROPPED.match(text):
        names = re.findall(_WHOLE, found[2])
        return Statement(Kind.DDL, tuple(Thing(_KINDS[found[1].lower()], *_parts(*name)) for name in names), again, drops=True)
    if found := _INDEX.match(text) if re.match(r"(?:create|drop)\s+(?:\w+\s+)?index\b", text, re.I) else None:
        return Statement(Kind.DDL, (Thing("table", *_parts(found[1], found[2])),), again)
    if found := _OBJECT.match(text):
        thing = Thing(_KINDS[found[1].lower()], *_parts(found[3], found[4]))
        return Statement(Kind.DDL, (thing,), again, drops=first == "drop")
    return Statement(Kind.OTHER, again=again)


def _parts(first: str, second: str | None) -> tuple[str, str]:
    return (_plain(second), _plain(first)) if second else (_plain(first), "")


def _plain(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name
