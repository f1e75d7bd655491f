"""
What one statement means for the journal of a revision that leaves its transaction, on databases whose DDL can be rolled back.

Whatever may run inside a transaction is put into one together with its row in the journal, so that it happens exactly once; what
may not is told here, and looked for in the catalog when a run broke off in it.

Source: PostgreSQL manual, part VI, "cannot be executed inside a transaction block"; sqlite.org, lang_vacuum.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lockgate.journal.entry import digest_of
from lockgate.journal.statement import Kind, Statement, Thing

_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_LEAD = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.S)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$", re.S)
_KINDS = {
    Kind.READ: ("select", "show", "table", "values", "explain"),
    Kind.SESSION: ("set", "reset", "discard", "deallocate", "listen", "unlisten", "load", "pragma", "attach", "detach"),
    Kind.CONTROL: ("begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare"),
}
_FIRST = {word: kind for kind, words in _KINDS.items() for word in words}
_WRITES_BEHIND_WITH = re.compile(r"\b(?:insert|update|delete|merge)\b", re.I)
_SETS = re.compile(r"\bset_config\s*\(", re.I)
_TEMPORARY = re.compile(r"(?:create|drop)\s+(?:(?:global|local)\s+)?temp(?:orary)?\b", re.I)
# Running it again does what the first time did.
_AGAIN = re.compile(r"(?:vacuum|cluster|reindex|alter\s+system|alter\s+database)\b", re.I)
# May end transactions of its own, or is refused in one; nobody can see afterwards whether it happened.
_ALONE = re.compile(
    r"call\b|(?:create|drop)\s+(?:database|tablespace|subscription)\b|alter\s+subscription\b|alter\s+table\b.*\bdetach\b.*\bconcurrently\b",
    re.I | re.S,
)
_DO = re.compile(r"do\b.*\b(?:commit|rollback)\b", re.I | re.S)
_DROP_INDEX = re.compile(
    rf"drop\s+index\s+concurrently\s+(?P<cautious>if\s+exists\s+)?(?P<first>{_NAME})(?:\s*\.\s*(?P<second>{_NAME}))?", re.I
)
_BUILD = re.compile(
    rf"create\s+(?P<unique>unique\s+)?index\s+concurrently\s+(?P<cautious>if\s+not\s+exists\s+)?(?:(?!on\b)(?P<name>{_NAME})\s+)?"
    rf"on\s+(?:only\s+)?(?P<table>{_NAME}(?:\s*\.\s*{_NAME})?)\s*(?P<rest>.*)",
    re.I | re.S,
)
# New in each run, and no sign of another statement: random ids and times.
_VOLATILE = re.compile(
    r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}"
    r"|datetime\.(?:datetime|time)\([^()]*(?:\([^()]*\)[^()]*)*\)"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?",
    re.I,
)


@dataclass(frozen=True)
class Build:
    """
    A CREATE INDEX CONCURRENTLY.

    Args:
        name: as the catalog has it; empty where the server chooses one.
        table: as it is written, with its schema where it has one.
        rest: what comes behind the table, as the driver gets it.
    """

    name: str
    table: str
    unique: bool
    rest: str


def read(sql: str) -> Statement:
    """
    Read one statement.

    Args:
        sql: as the driver gets it; parameters may stand for values.
    """
    text = _bare(sql)
    if _BUILD.match(text):
        return Statement(Kind.DDL)
    if found := _DROP_INDEX.match(text):
        names = [plain(name) for name in (found["first"], found["second"]) if name]
        return Statement(Kind.DDL, (Thing("index", names[-1], names[0] if len(names) > 1 else ""),), bool(found["cautious"]), drops=True)
    if _AGAIN.match(text):
        return Statement(Kind.OTHER, again=True)
    if _ALONE.match(text) or _DO.match(text):
        return Statement(Kind.OTHER)
    return Statement(_kind(text))


def build_of(sql: str) -> Build | None:
    """Return the index that a statement builds CONCURRENTLY; None for any other statement."""
    found = _BUILD.match(_bare(sql))
    if not found:
        return None
    return Build(plain(found["name"] or ""), found["table"], bool(found["unique"]), found["rest"].strip().rstrip(";"))


def fingerprint(sql: str, parameters: object) -> str:
    """Return a digest of a statement's text and parameters; of an INSERT without its random ids and times, which differ in each run."""
    if _bare(sql)[:6].lower() != "insert":
        return digest_of(sql, parameters)
    return digest_of(_VOLATILE.sub("?", sql), _VOLATILE.sub("?", repr(parameters)))


def plain(name: str) -> str:
    """Return an SQL identifier as the catalog has it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def _kind(text: str) -> Kind:
    first = (re.match(r"\(*\s*([a-z]+)", text, re.I) or ["", ""])[1].lower()
    words = _QUOTED.sub("''", text)
    if _TEMPORARY.match(text) or (first == "select" and _SETS.search(words)):
        return Kind.SESSION
    if first == "with":
        return Kind.WRITE if _WRITES_BEHIND_WITH.search(words) else Kind.READ
    if first == "select" and re.search(r"\binto\b", words, re.I):
        return Kind.WRITE
    return _FIRST.get(first, Kind.WRITE)


def _bare(sql: str) -> str:
    return sql[(_LEAD.match(sql) or re.match("", sql)).end() :]  # type: ignore[union-attr]
