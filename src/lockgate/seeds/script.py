"""
A SQL seed's text -> tokens and single statements.

Beside `lockgate.sql_script`, which runs dumps as they are: a seed is judged before it runs, so transaction control must come
through to be named, SQLite's triggers must stay in one piece, and no byte of a value may change.

Source: PostgreSQL manual, 4.1 Lexical Structure; sqlite.org, tokenize.c and complete.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from lockgate.errors import Refused, UsageError
from lockgate.seeds.grammar import Grammar


@dataclass(frozen=True)
class Token:
    """
    One token of a statement; white space and comments are none.

    Args:
        kind: `word`, `name` (quoted), `text` (a literal, dollar-quoted ones included), `mark` (anything else, one character).
        text: a word in lower case, a quoted name without its quotes, a literal without its quotes.
        depth: of the round brackets it stands in.
        strange: a form that only the server can read: `U&"…"`, a name in an unknown quotation.
    """

    kind: str
    text: str
    depth: int = 0
    strange: bool = False


@dataclass(frozen=True)
class Part:
    """One statement: its text without the semicolon, the line it begins at, and the lines that follow a COPY from stdin."""

    text: str
    line: int
    tokens: tuple[Token, ...] = field(repr=False)
    data: str | None = None


_POSTGRES = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*)
  | (?P<comment>/\*)
  | (?P<escape>[eE]'(?:[^'\\]|\\.|'')*')
  | (?P<unicode>[uU]&(?:'(?:[^']|'')*'|"(?:[^"]|"")*"))
  | (?P<open>[eE](?=')|[uU](?=&['"]))
  | (?P<text>'[^']*(?:''[^']*)*')
  | (?P<name>"[^"]*(?:""[^"]*)*")
  | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>\$?\d[\w.]*)
  | (?P<other>.)
    """,
    re.X | re.S,
)
_SQLITE = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*)
  | (?P<comment>/\*)
  | (?P<text>'[^']*(?:''[^']*)*')
  | (?P<name>"[^"]*(?:""[^"]*)*"|`[^`]*(?:``[^`]*)*`|\[[^\]]*\])
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>\d[\w.]*)
  | (?P<other>.)
    """,
    re.X | re.S,
)
# What stands in `/*!40101 … */` is run by servers of that version or later: its brackets are part of the statement, but no tokens.
_MYSQL = re.compile(
    r"""
    (?P<space>\s+|--(?=\s|\Z)[^\n]*|\#[^\n]*)
  | (?P<condition>/\*M?!\d*|\*/)
  | (?P<comment>/\*)
  | (?P<text>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
  | (?P<name>`[^`]*(?:``[^`]*)*`)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>@{0,2}\d[\w.]*)
  | (?P<other>.)
    """,
    re.X | re.S,
)
_PATTERNS = {Grammar.POSTGRES: _POSTGRES, Grammar.SQLITE: _SQLITE, Grammar.MYSQL: _MYSQL}
_DELIMITER = re.compile(r"delimiter[ \t]+(\S+)[^\n]*", re.I)
_HARMLESS_META = re.compile(r"\\(un)?restrict\b[^\n]*")
_DATA_END = re.compile(r"^\\\.\r?$", re.M)
_NESTING = re.compile(r"/\*|\*/")


def parts(text: str, grammar: Grammar, where: str = "") -> Iterator[Part]:
    """
    Split a script into its statements.

    Args:
        text: the whole script.
        where: the file's path, for errors.
    Raises:
        Refused: `seed-forbidden`, for a command of psql other than `\\restrict`.
        UsageError: `seed-file`, for a quote or comment that is never closed.
    """
    return _Splitter(text, grammar, where).parts()


class _Splitter:
    """Walks over the text once; `_at` is the position of the next token."""

    def __init__(self, text: str, grammar: Grammar, where: str) -> None:
        self._text = text
        self._grammar = grammar
        self._where = where
        self._pattern = _PATTERNS[grammar]
        self._delimiter = ";"  # the `mariadb` shell lets a script choose another one
        self._at = 0
        self._counted = (0, 1)  # a position and its line: lines are counted once
        self._begin()

    def _begin(self) -> None:
        self._tokens: list[Token] = []
        self._start = -1
        self._end = 0
        self._depth = 0
        self._blocks = 0  # of `begin atomic … end`, of a trigger's `begin … end`, of `case … end` in them

    def parts(self) -> Iterator[Part]:
        """Every statement, in order."""
        while found := self._pattern.match(self._text, self._at):
            self._at = found.end()
            kind = found.lastgroup or ""
            if self._delimiter != ";" and self._text.startswith(self._delimiter, found.start()):
                self._at = found.start() + len(self._delimiter)
                yield from self._finish()
            elif kind == "word" and self._new_delimiter(found.start()):
                continue
            elif kind == "comment":
                self._at = self._comment_end(found.start())
            elif kind == "condition":
                self._start, self._end = (self._start if self._start >= 0 else found.start()), self._at
            elif kind == "other" and found[0] == self._delimiter and self._blocks == 0:
                yield from self._finish()
            elif kind != "space":
                self._take(kind, found)
        yield from self._finish()

    def _new_delimiter(self, start: int) -> bool:
        if self._grammar is not Grammar.MYSQL or self._tokens:
            return False
        found = _DELIMITER.match(self._text, start)
        if found:
            self._delimiter, self._at = found[1], found.end()
        return found is not None

    def _take(self, kind: str, found: re.Match[str]) -> None:
        if kind == "open":
            raise self._open("quote", found.start())
        if kind == "other" and found[0] in "\\'\"" + {Grammar.SQLITE: "`[", Grammar.MYSQL: "`"}.get(self._grammar, ""):
            self._refuse(found)
            return
        token = self._token(kind, found)
        if self._start < 0:
            self._start = found.start()
        self._tokens.append(token)
        self._end = self._at
        if token.kind == "word":
            self._nest(token.text)

    def _token(self, kind: str, found: re.Match[str]) -> Token:
        text = found[0]
        if kind == "word":
            return Token("word", text.lower(), self._depth)
        if kind == "name":
            return Token("name", _unquoted(text), self._depth)
        if kind == "unicode":
            return Token("name" if text.endswith('"') else "text", text, self._depth, strange=True)
        if kind in ("text", "escape"):
            # After E'…' a second literal is read with escapes, too; only the server's own lexer knows all of that rule.
            strange = bool(self._tokens) and self._tokens[-1].kind == "text"
            return Token("text", _unquoted(text[kind == "escape" :]), self._depth, strange)
        if kind == "dollar":
            return Token("text", self._dollar_text(found), self._depth)
        self._depth += {"(": 1, ")": -1}.get(text, 0)
        return Token("mark", text, self._depth)

    def _nest(self, word: str) -> None:
        before = self._tokens[-2].text if len(self._tokens) > 1 else ""
        if self._grammar is Grammar.MYSQL:  # scripts that make routines choose another delimiter
            return
        opens = word == "begin" and self._is_trigger() if self._grammar is Grammar.SQLITE else (word == "atomic" and before == "begin")
        if opens or (self._blocks and word == "case"):
            self._blocks += 1
        elif self._blocks and word == "end":
            self._blocks -= 1

    def _is_trigger(self) -> bool:
        words = [token.text for token in self._tokens[:3]]
        return words[:1] == ["create"] and "trigger" in words

    def _comment_end(self, start: int) -> int:
        if self._grammar is not Grammar.POSTGRES:  # comments do not nest, and the last one may stay open
            end = self._text.find("*/", start + 2)
            return len(self._text) if end < 0 else end + 2
        depth = 0
        for found in _NESTING.finditer(self._text, start):
            depth += 1 if found[0] == "/*" else -1
            if depth == 0:
                return found.end()
        raise self._open("comment", start)

    def _dollar_text(self, found: re.Match[str]) -> str:
        end = self._text.find(found[0], found.end())
        if end < 0:
            raise self._open(f"quote {found[0]}", found.start())
        self._at = end + len(found[0])
        return self._text[found.end() : end]

    def _refuse(self, found: re.Match[str]) -> None:
        if found[0] != "\\":
            raise self._open("quote", found.start())
        if harmless := _HARMLESS_META.match(self._text, found.start()):
            self._at = harmless.end()
            return
        command = self._text[found.start() :].split("\n", 1)[0].strip()[:40]
        place = f"{self._where}:{self._line(found.start())}"
        raise Refused("seed-forbidden", f"`{command}` is a command of psql, not SQL", place, "take it out; lockgate runs nothing but SQL")

    def _open(self, what: str, start: int) -> UsageError:
        return UsageError("seed-file", f"a {what} that begins here is never closed", f"{self._where}:{self._line(start)}", "close it")

    def _finish(self) -> Iterator[Part]:
        if self._tokens:
            line = self._line(self._start)
            tokens = tuple(self._tokens)
            text = self._text[self._start : self._end]
            yield Part(text, line, tokens, self._copy_data() if copies_in(tokens) else None)
        self._begin()

    def _copy_data(self) -> str:
        begin = self._text.find("\n", self._at) + 1 or len(self._text)
        found = _DATA_END.search(self._text, begin)
        end = found.start() if found else len(self._text)
        self._at = found.end() if found else end
        return self._text[begin:end]

    def _line(self, place: int) -> int:
        position, line = self._counted
        if place < position:
            return self._text.count("\n", 0, place) + 1
        self._counted = (place, line + self._text.count("\n", position, place))
        return self._counted[1]


def copies_in(tokens: Sequence[Token]) -> bool:
    """Whether the statement is a COPY whose data follow it in the script."""
    words = [token.text if token.kind == "word" else "" for token in tokens if token.depth == 0]
    return words[:1] == ["copy"] and ("from", "stdin") in pairwise(words)


def _unquoted(text: str) -> str:
    quote = text[-1]
    return text[1:-1].replace(quote * 2, quote) if quote != "]" else text[1:-1]
