"""Reads the text of a CREATE TABLE as far as no PRAGMA tells what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[\w$.]+|[<>=!|]+|\s+|.""",
    re.DOTALL,
)
_CONSTRAINT_WORDS = ("constraint", "primary", "unique", "check", "foreign")


@dataclass(frozen=True)
class ColumnText:
    """What only the text says of a column; empty for nothing."""

    collation: str = ""
    generated: str = ""
    autoincrement: str = ""


@dataclass(frozen=True)
class CreateTable:
    """
    What only the text says of a table.

    Args:
        columns: by name in lower case.
        checks: name (may be empty), text and columns of a column's own check.
        names: of constraints, by kind and columns in lower case.
        options: behind the last parenthesis: `STRICT`, `WITHOUT ROWID`.
    """

    columns: Mapping[str, ColumnText] = field(default_factory=dict)
    checks: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    names: Mapping[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)
    options: str = ""

    def name_of(self, kind: str, columns: tuple[str, ...]) -> str:
        """Return the name that a constraint was given; empty where it has none."""
        return self.names.get((kind, tuple(column.lower() for column in columns)), "")


def read(text: str) -> CreateTable:
    """Read a whole CREATE TABLE; of a CREATE VIRTUAL TABLE only the text behind USING is kept."""
    tokens = _tokens(text)
    if "(" not in tokens or tokens[1].lower() == "virtual":
        return CreateTable(options=flat(text))
    first = tokens.index("(")
    last = _closing(tokens, first)
    columns: dict[str, ColumnText] = {}
    checks: list[tuple[str, str, tuple[str, ...]]] = []
    names: dict[tuple[str, tuple[str, ...]], str] = {}
    for part in _split(tokens[first + 1 : last]):
        own: tuple[str, ...] = ()
        if part[0].lower() not in _CONSTRAINT_WORDS:
            own = (bare(part[0]),)
            columns[own[0].lower()] = _column(part[1:])
            part = part[1:]
        for name, kind, rest in _constraints(part):
            if kind == "check":
                checks.append((name, f"CHECK {_joined(rest)}", own))
            elif name:
                told = own or tuple(bare(item[0]) for item in _split(rest[1 : _closing(rest, 0)]))
                names[kind, tuple(column.lower() for column in told)] = name
    return CreateTable(columns, tuple(checks), names, " ".join(tokens[last + 1 :]).upper().rstrip(" ;"))


def flat(text: str) -> str:
    """Return a statement without comments, each run of blanks as one; two texts that differ in that alone are one."""
    parts = [" " if token.isspace() else token for token in _TOKEN.findall(text) if not token.startswith(("--", "/*"))]
    return re.sub(r" +", " ", "".join(parts)).strip() if "'" not in text and '"' not in text else "".join(parts).strip()


def bare(name: str) -> str:
    """Return an identifier without its quotation marks."""
    if name[:1] in "\"`'[":
        return name[1:-1].replace(name[0] * 2, name[0])
    return name


def _tokens(text: str) -> list[str]:
    return [token for token in _TOKEN.findall(text) if not token.isspace() and not token.startswith(("--", "/*"))]


def _closing(tokens: list[str], opening: int) -> int:
    depth = 0
    for position in range(opening, len(tokens)):
        depth += (tokens[position] == "(") - (tokens[position] == ")")
        if depth == 0:
            return position
    return len(tokens)


def _split(tokens: list[str]) -> Iterator[list[str]]:
    """Yield what stands between the commas outside of parentheses."""
    part: list[str] = []
    depth = 0
    for token in tokens:
        depth += (token == "(") - (token == ")")
        if token == "," and depth == 0:
            yield part
            part = []
        else:
            part.append(token)
    if part:
        yield part


def _column(tokens: list[str]) -> ColumnText:
    collation = generated = autoincrement = ""
    for position, token in _outside(tokens):
        word = token.lower()
        if word == "collate":
            collation = bare(tokens[position + 1])
        elif word == "autoincrement":
            autoincrement = "AUTOINCREMENT"
        elif word == "as":
            end = _closing(tokens, position + 1)
            kind = tokens[end + 1].upper() if end + 1 < len(tokens) and tokens[end + 1].lower() in ("stored", "virtual") else "VIRTUAL"
            generated = f"GENERATED ALWAYS AS {_joined(tokens[position + 1 : end + 1])} {kind}"
    return ColumnText(collation, generated, autoincrement)


def _constraints(tokens: list[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield name, kind and what follows, for each constraint that a column or the table itself declares."""
    name = ""
    for position, token in _outside(tokens):
        word = token.lower()
        if word == "constraint":
            name = bare(tokens[position + 1])
        elif word in ("primary", "foreign"):
            yield name, f"{word} key", tokens[position + 2 :]
            name = ""
        elif word == "references" and not any(other.lower() == "foreign" for other in tokens[:position]):
            yield name, "foreign key", []
            name = ""
        elif word in ("unique", "check"):
            yield name, word, tokens[position + 1 : _closing(tokens, position + 1) + 1]
            name = ""


def _outside(tokens: list[str]) -> Iterator[tuple[int, str]]:
    """Yield tokens outside of parentheses with their positions."""
    depth = 0
    for position, token in enumerate(tokens):
        depth += (token == "(") - (token == ")")
        if depth == 0:
            yield position, token


def _joined(tokens: list[str]) -> str:
    return " ".join(tokens).replace("( ", "(").replace(" )", ")").replace(" ,", ",")
