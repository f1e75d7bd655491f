"""
Where in a TOML text each key is written: `tomllib` gives values without positions, and a mistake is found by its line.

The text is known to be valid TOML (it was parsed before), so this scanner only has to tell keys from values.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping

Path = tuple[str | int, ...]

_SKIP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY_PART = re.compile(r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+')
_DOT = re.compile(r"[ \t]*\.[ \t]*")
# The last three quotes close a multi-line string: it may end with up to two quotes of its own.
_STRING = re.compile(r'"""(?:\\.|[^\\])*?"""(?!")|\'\'\'.*?\'\'\'(?!\')|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', re.DOTALL)
_SCALAR = re.compile(r"[^,\]}#\n]+")


def find_lines(text: str) -> Mapping[Path, int]:
    """
    Map every table, array element and key of a valid TOML text to its line.

    Args:
        text: valid TOML.
    Returns:
        Lines, 1-based, by path: `("smoke", "queries", 0, "sql")`; where a table is written in pieces, its first line.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """Return the line of `path`, or of its nearest parent that is written down; 1 where there is none."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1


class _Scanner:
    """Walks over the text once; `at` is the position of the next character."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._elements: dict[Path, int] = {}  # index of the newest element of each `[[array of tables]]`

    def document(self) -> None:
        """Scan headers and the pairs below them, to the end."""
        table: Path = ()
        self._pass(_SKIP)
        while self._at < len(self._text):
            before = self._at
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._pass(_SKIP)
            if self._at == before:  # not TOML after all; positions are a courtesy and no reason to fail
                return

    def _header(self) -> Path:
        start, is_element = self._at, self._text.startswith("[[", self._at)
        self._at += 2 if is_element else 1
        self._pass(_SKIP)
        *parents, last = self._key() or [""]
        path: Path = ()
        for part in parents:
            self._note((*path, part), start)
            path = self._newest((*path, part))
        path = (*path, last)
        if is_element:
            self._elements[path] = self._elements.get(path, -1) + 1
            self._note(path, start)
        path = self._newest(path)
        self._note(path, start)
        self._pass(_SKIP)
        self._at += 2 if is_element else 1
        return path

    def _newest(self, path: Path) -> Path:
        return (*path, self._elements[path]) if path in self._elements else path

    def _pair(self, table: Path) -> None:
        start, path = self._at, table
        for part in self._key():
            path = (*path, part)
            self._note(path, start)
        self._pass(_SKIP)
        if self._text.startswith("=", self._at):
            self._at += 1
            self._value(path)

    def _key(self) -> list[str]:
        parts = []
        while found := _KEY_PART.match(self._text, self._at):
            self._at = found.end()
            parts.append(_unquoted(found[0]))
            if not self._pass(_DOT):
                break
        return parts

    def _value(self, path: Path) -> None:
        self._pass(_SKIP)
        opening = self._text[self._at : self._at + 1]
        if opening == "{":
            self._inside("}", path)
        elif opening == "[":
            self._inside("]", path)
        elif not self._pass(_STRING):
            self._pass(_SCALAR)

    def _inside(self, closing: str, path: Path) -> None:
        """Scan an inline table or an array."""
        self._at += 1
        index = 0
        self._pass(_SKIP)
        while self._at < len(self._text) and self._text[self._at] != closing:
            before = self._at
            if closing == "}":
                self._pair(path)
            else:
                self._note((*path, index), self._at)
                self._value((*path, index))
                index += 1
            self._pass(_SKIP)
            self._at += self._text.startswith(",", self._at)
            self._pass(_SKIP)
            if self._at == before:
                return
        self._at += 1

    def _note(self, path: Path, position: int) -> None:
        self.lines.setdefault(path, bisect_right(self._starts, position))

    def _pass(self, pattern: re.Pattern[str]) -> bool:
        """Move behind `pattern`; False where it is not here, or is empty here."""
        found = pattern.match(self._text, self._at)
        before = self._at
        self._at = found.end() if found else self._at
        return self._at > before


def _unquoted(part: str) -> str:
    """Return a key without its quotation marks and escapes; as it is where TOML knows no such escape."""
    if part[0] not in "\"'":
        return part
    try:
        return next(iter(tomllib.loads(f"{part} = 0")))
    except tomllib.TOMLDecodeError:
        return part
