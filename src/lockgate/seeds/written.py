"""
A value of a table -> its text in a CSV or in JSON Lines: the way back of `convert`, for databases that do not write them.

What would not come back as it was is refused, not bent: a file that loads as something else is worse than none.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Sequence

from lockgate.errors import UsageError
from lockgate.seeds.convert import from_text
from lockgate.seeds.json_rows import json_value
from lockgate.seeds.rows import Column

Cell = Callable[[object], str]
Exact = Callable[[float], str]

_NEEDS_QUOTES = re.compile(r'[",\r\n]')
_UNTYPED = ("", "ANY")  # declared types in which SQLite leaves a number a number and a text a text
_LEAVE_OUT = "correct the row, or leave the column out with `--columns`"


class UnfitValue(ValueError):
    """What a value is that no seed of the format could bring back, as the end of a sentence; `hint`: what to do."""

    def __init__(self, what: str, hint: str = _LEAVE_OUT) -> None:
        super().__init__(what, hint)
        self.what, self.hint = what, hint

    def __str__(self) -> str:
        return self.what


def csv_header(columns: Sequence[str]) -> bytes:
    """Return the first line of a CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(columns)
    return line.getvalue().encode()


def csv_cells(columns: Sequence[Column], exact: Exact) -> list[Cell]:
    """
    Return for each column what turns its values into fields of a CSV; NULL is an empty field, an empty text is `""`.

    Args:
        exact: a float -> a text that the database reads as this very float.
    """
    return [_csv_cell(column, exact) for column in columns]


def json_cells(columns: Sequence[Column], exact: Exact) -> list[Cell]:
    """Return for each column what turns its values into JSON on one line; see `csv_cells`."""
    return [_json_cell(column, exact) for column in columns]


def _csv_cell(column: Column, exact: Exact) -> Cell:
    number = _number(column, exact)

    def cell(value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, int | float):
            return number(value)
        return _quoted(_bytes(value, column) if isinstance(value, bytes) else _csv_text(value, column))

    return cell


def _json_cell(column: Column, exact: Exact) -> Cell:
    # A number goes from JSON to a number's column without a text in between.
    number = _number(column, _shortest if column.kind == "number" else _only_shortest(exact))

    def cell(value: object) -> str:
        if value is None:
            return "null"
        if isinstance(value, int | float):
            return number(value) if column.kind != "text" else f'"{number(value)}"'
        if isinstance(value, bytes):
            return _string(_bytes(value, column))
        return _flat_json(_text(value, column)) if column.kind == "json" else _string(_text(value, column))

    return cell


def _number(column: Column, exact: Exact) -> Callable[[int | float], str]:
    def number(value: int | float) -> str:
        if column.kind == "boolean":
            return _boolean(value)
        if column.kind == "bytes" or column.type.upper() in _UNTYPED:
            raise UnfitValue("a number")
        return str(value) if isinstance(value, int) else exact(value)

    return number


def _boolean(value: int | float) -> str:
    if value not in (0, 1):
        raise UnfitValue("a number that is neither 0 nor 1")
    return "true" if value else "false"


def _bytes(value: bytes, column: Column) -> str:
    if column.kind != "bytes":
        raise UnfitValue("bytes")
    return "\\x" + value.hex()


def _csv_text(value: object, column: Column) -> str:
    text = _text(value, column)
    if "\0" in text:
        raise UnfitValue("a zero byte, which no CSV can have", "write it with `--format jsonl`")
    try:
        from_text(text, column)
    except UsageError as error:
        raise UnfitValue("a text that is no JSON") from error
    return text


def _text(value: object, column: Column) -> str:
    if column.kind in ("number", "boolean", "bytes"):
        raise UnfitValue("a text")
    return str(value)


def _quoted(text: str) -> str:
    # Alone in a line `\.` would be the end of the data.
    if text and text != "\\." and not _NEEDS_QUOTES.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _flat_json(text: str) -> str:
    if _parsed(text) is None:
        raise UnfitValue("JSON's own `null`, which would come back as NULL out of JSON Lines", "write it with `--format csv`")
    return text.replace("\r", " ").replace("\n", " ")  # white space between tokens: inside a text a line break is escaped


def _parsed(text: str) -> object:
    try:
        return json_value(text)
    except (ValueError, RecursionError) as error:
        raise UnfitValue("a text that is no JSON, or has a key twice in one object") from error


def _shortest(value: float) -> str:
    return repr(value) if math.isfinite(value) else f"{'-' * (value < 0)}9e999"


def _only_shortest(exact: Exact) -> Exact:
    """On its way out of JSON a number becomes its shortest text, whatever it was written as."""

    def checked(value: float) -> str:
        if exact(value) != _shortest(value):
            raise UnfitValue("a number that SQLite would read out of text as its neighbour", "write it with `--format csv`")
        return _shortest(value)

    return checked
