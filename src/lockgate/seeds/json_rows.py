"""JSON Lines and JSON arrays -> rows, as their text streams past."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from json import JSONDecodeError

from lockgate.errors import UsageError
from lockgate.seeds.decoding import lines_of
from lockgate.seeds.rows import FileRow

LONGEST_ELEMENT = 64 * 1024 * 1024  # characters; beyond it a bracket that is never closed would be read to the end of any file
_SPACE = re.compile(r"[ \t\r\n]*")
# The longest thing that can look wrong only because it is cut: `-Infinity`, `\\u12ab\\u34cd`.
_CUT_SHORT = 16


class _TwiceError(ValueError):
    """A key that stands in an object twice: PostgreSQL's jsonb and Python would each silently keep one."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(f"the key `{next(key for key in keys if keys.count(key) > 1)[:40]}` stands in one object twice")
    return found


def _exact(text: str) -> float | Decimal:
    """A number whose digits a float would change stays as it is written."""
    number = float(text)
    return number if repr(number) == text else Decimal(text)


def _no_constant(text: str) -> object:
    raise _TwiceError(f"`{text}` is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_exact, parse_constant=_no_constant)


def json_value(text: str) -> object:
    """Read one JSON text as seeds read it, digits kept; ValueError for what they refuse: a key twice in an object, `NaN`."""
    value: object = _DECODER.decode(text)
    return value


def json_lines(texts: Iterable[str], columns: Sequence[str] = (), where: str = "") -> Iterator[FileRow]:
    """
    Read JSON Lines: one object a line, empty lines skipped; `line` of a row is its line.

    Args:
        texts: the file, cut anywhere.
        columns: allowed keys; empty for those of the first row.
        where: the file's path, for errors.
    Raises:
        UsageError: `seed-file`, with file and line.
    """
    known = set(columns)
    for line, text in enumerate(lines_of(texts), 1):
        if text.strip():
            row = checked_row(_line_value(text, line, where), line, known, f"{where}:{line}")
            known = known or set(row.values)
            yield row


def _line_value(text: str, line: int, where: str) -> object:
    try:
        return _DECODER.decode(text)
    except JSONDecodeError as error:
        what = f"this is no JSON: {_sentence(error)}, column {error.pos + 1}"
        raise UsageError("seed-file", what, f"{where}:{line}", 'each line is one object: `{"id": 1}`') from error
    except (ValueError, RecursionError) as error:
        raise UsageError("seed-file", str(error), f"{where}:{line}", 'each line is one object: `{"id": 1}`') from error


def checked_row(value: object, line: int, known: set[str], place: str) -> FileRow:
    """
    Make a row of one parsed element.

    Args:
        known: allowed keys; empty where this row is the first, whose keys all others must have.
        place: file, line and, where it helps, the element's number.
    Raises:
        UsageError: `seed-file`: no object, no keys, or a key that is not allowed.
    """
    if not isinstance(value, dict):
        raise UsageError(
            "seed-file", f"a row must be an object with the columns as keys; this is {_kind(value)}", place, 'write `{"id": 1}`'
        )
    if not value:
        raise UsageError("seed-file", "the row has no columns", place, 'write `{"id": 1}`')
    strange = next((key for key in value if not isinstance(key, str) or (known and key not in known)), None)
    if strange is not None:
        why = "which the first row does not have and `columns` does not name" if isinstance(strange, str) else "which is no text"
        raise UsageError(
            "seed-file", f"the row has the key `{str(strange)[:40]}`, {why}", place, "name all columns in `columns` or in the first row"
        )
    return FileRow(line, value)


def _kind(value: object) -> str:
    names = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", type(None): "null"}
    return names.get(type(value), "something else")


def _sentence(error: JSONDecodeError) -> str:
    return error.msg[:1].lower() + error.msg[1:].rstrip(":").removesuffix(" at").removesuffix(" starting")


def json_array(texts: Iterable[str], columns: Sequence[str] = (), where: str = "") -> Iterator[FileRow]:
    """
    Read a JSON array of objects in the memory of its largest element; `line` of a row is the line its element begins at.

    Args:
        texts: the file, cut anywhere.
        columns: allowed keys; empty for those of the first row.
        where: the file's path, for errors.
    Raises:
        UsageError: `seed-file`, with file, line and number of the element.
    """
    reader = _Reader(texts, where)
    reader.expect("[", "the file must begin with `[`")
    known = set(columns)
    if reader.next() == "]":
        reader.finish()
        return
    while True:
        value, line = reader.element()
        row = checked_row(value, line, known, f"{where}:{line} (element {reader.number})")
        known = known or set(row.values)
        yield row
        if reader.next() == "]":
            break
        reader.expect(",", "between two elements stands `,`, and `]` after the last")
    reader.finish()


class _Reader:
    """A window over the text: what is behind it is forgotten, what is ahead is read when it is needed."""

    def __init__(self, texts: Iterable[str], where: str) -> None:
        self._texts = iter(texts)
        self._where = where
        self._window = ""
        self._at = 0
        self._line = 1
        self.number = 0

    def next(self) -> str:
        """Pass over white space; return the next character, empty at the end of the file."""
        while True:
            found = _SPACE.match(self._window, self._at)
            self._pass(found.end() if found else self._at)
            if self._at < len(self._window):
                return self._window[self._at]
            if not self._more(1):
                return ""

    def expect(self, letter: str, sentence: str) -> None:
        """Pass over one character."""
        found = self.next()
        if found != letter:
            raise self._wrong(f"{sentence}; here is {f'`{found}`' if found else 'the end of the file'}")
        self._pass(self._at + 1)

    def finish(self) -> None:
        """Make sure that nothing follows the array."""
        self.expect("]", "the array ends with `]`")
        if found := self.next():
            raise self._wrong(f"after the array stands `{found}`")

    def element(self) -> tuple[object, int]:
        """Return the next element, and the line it begins at."""
        self.number += 1
        opening = self.next()
        line = self._line
        if opening != "{":
            raise self._wrong(
                f"a row must be an object with the columns as keys; here is {f'`{opening}`' if opening else 'the end of the file'}"
            )
        while True:
            try:
                value, end = _DECODER.raw_decode(self._window, self._at)
            except JSONDecodeError as error:
                self._read_on(error)
            except (ValueError, RecursionError) as error:
                raise self._wrong(str(error)) from error
            else:
                self._pass(end)
                return value, line

    def _read_on(self, error: JSONDecodeError) -> None:
        """Read more, as much again as there is, so that a long element costs no more than twice its length; or give up."""
        ahead = len(self._window) - self._at
        # What is wrong far before the window's end is wrong for good, but for a text whose end is not read yet.
        is_final = error.pos < len(self._window) - _CUT_SHORT and self._window[error.pos] != '"'
        if is_final or ahead > LONGEST_ELEMENT or not self._more(ahead):
            self._line += self._window.count("\n", self._at, error.pos)
            self._at = error.pos
            raise self._wrong(f"this is no JSON: {_sentence(error)}") from error

    def _more(self, length: int) -> bool:
        parts, read = [self._window[self._at :]], 0
        for text in self._texts:
            parts.append(text)
            read += len(text)
            if read >= length:
                break
        self._window, self._at = "".join(parts), 0
        return read > 0

    def _pass(self, place: int) -> None:
        self._line += self._window.count("\n", self._at, place)
        self._at = place

    def _wrong(self, what: str) -> UsageError:
        element = f" (element {self.number})" if self.number else ""
        return UsageError("seed-file", what, f"{self._where}:{self._line}{element}", "check the file with `python -m json.tool`")
