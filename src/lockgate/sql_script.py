"""
SQL script text -> pieces that can be sent one by one; pure.

Knows what PostgreSQL's lexer knows of where a statement ends: quotes, dollar quotes, nested comments, bodies of
`begin atomic`, and the data that follow `COPY … FROM stdin` in a dump.

Source: PostgreSQL manual, 4.1 Lexical Structure; pg_dump's plain format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lockgate.errors import UsageError

_TOKEN = re.compile(
    r"""
    (?P<comment>--[^\n]*|/\*)
  | (?P<escape>(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*')
  | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
  | (?P<dollar>(?<![\w$])\$(?P<tag>[^\W\d]\w*)?\$)
  | (?P<word>[^\W\d]\w*)
  | (?P<paren>[()])
  | (?P<end>;)
  | (?P<meta>^[ \t]*\\[^\n]*$)
    """,
    re.X | re.S | re.M,
)
_COPY = re.compile(r"copy\b.*\bfrom\s+stdin\b", re.I | re.S)
_CONTROL = re.compile(r"(begin|start\s+transaction|commit|end|rollback|abort|savepoint|release|prepare\s+transaction)\b", re.I)
_HARMLESS_META = re.compile(r"\s*\\(un)?restrict\b")


@dataclass(frozen=True)
class Piece:
    """One statement; `data` are the lines that follow a COPY from stdin, `line` is where it begins, counted from 1."""

    sql: str
    line: int
    data: str | None = None


@dataclass
class _Scan:
    text: str
    start: int = 0
    place: int = 0
    depth: int = 0  # nesting of `begin atomic … end` and `case … end` inside it
    parens: int = 0  # open ones: `create rule … do (…; …)`
    last: str = ""
    line: int = 1  # of the place that was counted to
    counted: int = 0


def pieces(text: str) -> Iterator[Piece]:
    """
    Split a script into its statements.

    Args:
        text: the whole script.
    Raises:
        UsageError: `usage`, for a psql command other than `\\restrict`, and for transaction control: the caller's one
            transaction must hold everything.
    """
    scan = _Scan(text.replace("\r\n", "\n"))
    while found := _TOKEN.search(scan.text, scan.place):
        scan.place = found.end()
        if found["comment"] == "/*":
            scan.place = _comment_end(scan.text, found.end())
        elif found["dollar"]:
            scan.place = _dollar_end(scan.text, found)
        elif found["word"]:
            _nest(scan, found["word"].lower())
        elif found["meta"] is not None:
            _drop_meta(scan, found)
        elif found["paren"]:
            scan.parens = max(0, scan.parens + (1 if found["paren"] == "(" else -1))
        elif found["end"] and scan.depth == 0 and scan.parens == 0:
            yield from _finish(scan, found.start())
    yield from _finish(scan, len(scan.text))


def _nest(scan: _Scan, word: str) -> None:
    if (word == "atomic" and scan.last == "begin") or (scan.depth and word == "case"):
        scan.depth += 1
    elif scan.depth and word == "end":
        scan.depth -= 1
    scan.last = word


def _comment_end(text: str, place: int) -> int:
    depth = 1
    for found in re.compile(r"/\*|\*/").finditer(text, place):
        depth += 1 if found[0] == "/*" else -1
        if depth == 0:
            return found.end()
    return len(text)


def _dollar_end(text: str, found: re.Match[str]) -> int:
    end = text.find(found[0], found.end())
    return len(text) if end < 0 else end + len(found[0])


def _drop_meta(scan: _Scan, found: re.Match[str]) -> None:
    if not _HARMLESS_META.match(found[0]):
        line = _line(scan, found.start())
        raise UsageError(
            "usage",
            f"line {line}: `{found[0].strip()[:40]}` is a command of psql, not SQL",
            hint="take it out, or dump again with pg_dump --format=plain",
        )
    scan.text = scan.text[: found.start()] + " " * len(found[0]) + scan.text[found.end() :]


def _finish(scan: _Scan, end: int) -> Iterator[Piece]:
    sql = _without_leading_comments(scan.text[scan.start : end])
    line = _line(scan, end - len(sql.rstrip()) if sql.strip() else end)
    sql = sql.strip()
    scan.start, scan.last, scan.parens = scan.place, "", 0
    if not sql:
        return
    if control := _CONTROL.match(sql):
        raise UsageError(
            "usage",
            f"line {line}: `{control[1].lower()}` controls the transaction, which must be one for the whole script",
            hint="take it out",
        )
    yield Piece(sql, line, _copy_data(scan) if _COPY.match(sql) else None)


def _copy_data(scan: _Scan) -> str:
    begin = scan.text.find("\n", scan.place) + 1 or len(scan.text)
    found = re.compile(r"^\\\.$", re.M).search(scan.text, begin)
    end = found.start() if found else len(scan.text)
    scan.start = scan.place = found.end() if found else len(scan.text)
    return scan.text[begin:end]


def _without_leading_comments(sql: str) -> str:
    while True:
        stripped = sql.lstrip()
        if stripped.startswith("--"):
            sql = stripped.partition("\n")[2]
        elif stripped.startswith("/*"):
            sql = stripped[_comment_end(stripped, 2) :]
        else:
            return stripped


def _line(scan: _Scan, place: int) -> int:
    """Count on from the last place: from the beginning, each time, it would cost the square of a dump's length."""
    sign = 1 if place >= scan.counted else -1
    scan.line += sign * scan.text.count("\n", min(place, scan.counted), max(place, scan.counted))
    scan.counted = place
    return scan.line
