"""The first record of a CSV: the names of its columns, and the body that follows it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lockgate.errors import UsageError

LONGEST_HEAD_BYTES = 1024 * 1024
_QUOTES = re.compile(rb'[^"\r\n]+|"|\r\n|\r|\n')
_OTHER_DELIMITERS = (";", "\t", "|")


@dataclass(frozen=True)
class Head:
    """Names of the columns, in order, and how many lines of the file they take (a quoted name may hold a line break)."""

    columns: tuple[str, ...]
    lines: int = 1


def read_head(blocks: Iterable[bytes], where: str = "") -> tuple[Head, Iterator[bytes]]:
    """
    Read the header of a CSV whose fields are separated by `,`.

    Args:
        blocks: the file as UTF-8 without a byte order mark (`utf8_of()`), cut anywhere; read no further than the header's end.
        where: the file's path, for errors.
    Returns:
        The header, and the rest of the file.
    Raises:
        UsageError: `seed-file`: no header, a quote that is not closed, a name that is empty or stands twice.
    """
    source = iter(blocks)
    found = b""
    end = 0
    for block in source:
        found += block
        end = _end(found, final=False)
        if end:
            break
        if len(found) > LONGEST_HEAD_BYTES:
            raise _wrong(f"the first line has no end within {LONGEST_HEAD_BYTES:,} bytes", where, "is it a CSV?")
    end = end or _end(found, final=True)
    return _head(found[:end].decode(), where), _rest(found[end:], source)


def _rest(first: bytes, source: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from source


def _end(found: bytes, final: bool) -> int:
    """Return the place behind the header's line end; 0 where more must be read."""
    quoted = False
    for token in _QUOTES.finditer(found):
        if token[0] == b'"':
            quoted = not quoted
        elif not quoted and token[0] in (b"\n", b"\r\n", b"\r") and (final or token[0] != b"\r" or token.end() < len(found)):
            # A lone return at the end of what is read so far may be half of a `\r\n`.
            return token.end()
    return len(found) if final else 0


def _head(text: str, where: str) -> Head:
    line = text.rstrip("\r\n")
    if not line.strip():
        raise _wrong("the file has no header" if not text else "the header is an empty line", where, "the first line names the columns")
    try:
        (columns,) = csv.reader([line], strict=True) if "\n" not in line and "\r" not in line else csv.reader([line + "\n"], strict=True)
    except (csv.Error, ValueError) as error:
        raise _wrong("the header cannot be read: a quote is not closed or stands inside a name", where, 'double it: `""`') from error
    _check_names(columns, where)
    return Head(tuple(columns), len(re.findall(r"\r\n|\r|\n", line)) + 1)


def _check_names(columns: list[str], where: str) -> None:
    for index, name in enumerate(columns):
        if not name.strip():
            raise _wrong(f"the name of column {index + 1} is empty", where, "give every column its name, or take the last comma away")
        if name in columns[:index]:
            raise _wrong(f"the column `{name}` stands in the header twice", where, "a value can only come from one of them")
    for delimiter in _OTHER_DELIMITERS:
        if len(columns) == 1 and delimiter in columns[0]:
            raise _wrong("the header is one single name", where, f"separate the columns by `,`, not by {delimiter!r}")


def _wrong(what: str, where: str, hint: str) -> UsageError:
    return UsageError("seed-file", what, f"{where}:1", hint)
