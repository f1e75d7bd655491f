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

# Besides what separates: an empty text, which is not NULL, and `\.`, which alone in a line would be the end of the data.
_NEEDS_CARE = re.compile(r'[",\r\n\0]|\A(?:\\\.)?\Z')
_JSON = Column("", "json", "json")
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
    return _by_type(column, exact, "", {"json": _json_field}.get(column.kind, _field), str)


def _json_cell(column: Column, exact: Exact) -> Cell:
    if column.kind == "text":  # which takes no number out of JSON, only its text
        return _by_type(column, exact, "null", _string, '"{}"'.format)
    # A number goes from JSON to a number's column without a text in between.
    number = _shortest if column.kind == "number" else _only_shortest(exact)
    return _by_type(column, number, "null", {"json": _flat_json}.get(column.kind, _string), str)


def _by_type(column: Column, exact: Exact, null: str, text: Callable[[str], str], number: Callable[[object], str]) -> Cell:
    """Choose by the value's own type, which on SQLite need not be the column's: int, float, str, bytes or None."""
    writers: dict[type, Callable[..., str]] = {
        type(None): lambda value: null,
        int: number,
        float: lambda value: number(exact(value)),
        str: text,
        bytes: _refuses("bytes"),
    }
    if column.kind == "boolean":
        writers |= {int: _boolean, float: _boolean}
    elif column.kind == "bytes" or column.type.upper() in _UNTYPED:
        writers |= {int: _refuses("a number"), float: _refuses("a number")}
    if column.kind == "bytes":
        writers[bytes] = lambda value: text("\\x" + value.hex())
    if column.kind in ("number", "boolean", "bytes"):
        writers[str] = _refuses("a text")
    return lambda value: writers[type(value)](value)


def _refuses(what: str) -> Callable[[object], str]:
    def refuse(value: object) -> str:
        raise UnfitValue(what)

    return refuse


def _boolean(value: float) -> str:
    if value not in (0, 1):
        raise UnfitValue("a number that is neither 0 nor 1")
    return "true" if value else "false"


def _field(text: str) -> str:
    if not _NEEDS_CARE.search(text):
        return text
    if "\0" in text:
        raise UnfitValue("a zero byte, which no CSV can have", "write it with `--format jsonl`")
    return '"' + text.replace('"', '""') + '"'


def _json_field(text: str) -> str:
    try:
        from_text(text, _JSON)
    except UsageError as error:
        raise UnfitValue("a text that is no JSON") from error
    return _field(text)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _flat_json(text: str) -> str:
    try:
        value = json_value(text)
    except (ValueError, RecursionError) as error:
        raise UnfitValue("a text that is no JSON, or has a key twice in one object") from error
    if value is None:
        raise UnfitValue("JSON's own `null`, which would come back as NULL out of JSON Lines", "write it with `--format csv`")
    return text.replace("\r", " ").replace("\n", " ")  # white space between tokens: inside a text a line break is escaped


def _shortest(value: float) -> str:
    return repr(value) if math.isfinite(value) else f"{'-' * (value < 0)}9e999"


def _only_shortest(exact: Exact) -> Exact:
    """On its way out of JSON a number becomes its shortest text, whatever it was written as."""

    def checked(value: float) -> str:
        if exact(value) != _shortest(value):
            raise UnfitValue("a number that SQLite would read out of text as its neighbour", "write it with `--format csv`")
        return _shortest(value)

    return checked
