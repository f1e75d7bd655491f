"""Records of a CSV for databases that read none themselves, as COPY would read them: an unquoted NULL marker is NULL, a quoted one is a text."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from lockgate.seeds.csv_body import records

# Stands for a quoted field whose text is the NULL marker, because `csv` does not tell quoted from unquoted before Python 3.12.
# No field holds it by itself: the text of a database has no zero byte.
QUOTED_MARKER = "\0"


class ZeroByte(ValueError):
    """A CSV with a zero byte."""


class BadValue(ValueError):
    """A value that does not fit: row from 1 (or line of the CSV's body), column, reason."""

    def __init__(self, row: int, column: str, message: str) -> None:
        super().__init__(row, column, message)
        self.row, self.column, self.message = row, column, message


class CountedByPython:
    """The part of `lockgate.dialects.rows.Rows` that is about places in a file, where Python reads it and not the server."""

    def bad_value(self, error: BaseException) -> tuple[int, str, str] | None:
        """Read a refusal of the loading; for a CSV the number is the line within its body at which the row ends."""
        return (error.row, error.column, error.message) if isinstance(error, BadValue) else None

    def line_of(self, lines: Iterable[str], number: int) -> int:
        """Python's reader has counted the lines of the body."""
        found = records(lines)
        head = next(found).last_line
        return next((record.line for record in found if record.last_line >= head + number), 0)


def csv_lines(blocks: Iterable[bytes], marker: str) -> Iterator[str]:
    """
    Yield lines, each quoted field that is nothing but `marker` replaced by a quoted `QUOTED_MARKER`.

    Works on whole blocks: a look at each line costs more than all of SQLite's work on it.

    Args:
        blocks: UTF-8, cut anywhere.
    Raises:
        ZeroByte: there is one.
    """
    replace = _Replacement(marker)
    rest = b""
    for block in blocks:
        whole, line_end, tail = block.rpartition(b"\n")
        if not line_end:
            rest += block
            continue
        yield from io.StringIO(replace((rest + whole + line_end).decode()), newline="\n")
        rest = tail
    yield from io.StringIO(replace(rest.decode()), newline="\n")


class _Replacement:
    """Knows whether the next text begins inside a quoted field: then the number of quotes so far is odd."""

    def __init__(self, marker: str) -> None:
        self._field = '"' + marker.replace('"', '""') + '"'
        self._found = re.compile(re.escape(self._field) + r"(?=[,\r\n]|\Z)")
        self._inside = False

    def __call__(self, text: str) -> str:
        if QUOTED_MARKER in text:
            raise ZeroByte
        parts, end, inside = [], 0, self._inside
        for match in self._found.finditer(text) if self._field in text else ():
            start = match.start()
            if start and text[start - 1] not in ",\n":
                continue
            inside ^= bool(text.count('"', end, start) % 2)
            parts.append(text[end:start])
            end = match.end()
            parts.append(match[0] if inside else f'"{QUOTED_MARKER}"')
            inside ^= bool(match[0].count('"') % 2)
        self._inside = inside ^ bool(text.count('"', end) % 2)
        return "".join([*parts, text[end:]])


@contextmanager
def long_fields() -> Iterator[None]:
    """Lift the limit of 131,072 characters that `csv` has for the whole process, and put it back."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)
