"""Rows into a SQLite table: one INSERT, run again and again by the driver without any Python in between."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

from lockgate.dialects.csv_records import QUOTED_MARKER, BadValue, ZeroByte, csv_lines, long_fields
from lockgate.dialects.sqlite.catalog import quoted
from lockgate.errors import UsageError
from lockgate.seeds.convert import SHOWN, from_text
from lockgate.seeds.rows import Column, TableShape

_FUNCTION = "lockgate_value"
_TOO_LARGE = 1 << 63
_MISSING = "NULL does not fit: the column is NOT NULL or part of the key"


def insert_csv(
    connection: sqlite3.Connection,
    target: str,
    shape: TableShape,
    columns: Sequence[str],
    blocks: Iterable[bytes],
    null: str | None,
    key: Sequence[str] = (),
) -> int:
    """
    Insert the body of a CSV.

    SQLite itself turns text into the column's type; expressions around the parameters see to NULL, booleans and values that
    do not fit, and call Python only for what they do not know.

    Args:
        target: as SQL.
        null: an unquoted field of this text is NULL; None for an empty one.
        key: columns that must not be NULL, beside those that are NOT NULL.
    Returns:
        Number of rows.
    Raises:
        BadValue: with the line at which the row ends.
    """
    marker = null or ""
    values = _Values(shape, columns, key, marker)
    expressions = [_read(column, number, marker, needed) for number, (column, needed) in enumerate(values.columns, 1)]
    reader = csv.reader(csv_lines(blocks, marker), strict=True)
    with long_fields():
        return _insert(connection, target, columns, expressions, reader, values, lambda: reader.line_num)


def insert_rows(
    connection: sqlite3.Connection,
    target: str,
    shape: TableShape,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    key: Sequence[str] = (),
) -> int:
    """Insert rows of None, bool, int, float, bytes and text; see `insert_csv`."""
    values = _Values(shape, columns, key, "")
    expressions = [
        f"coalesce(?{number}, {_FUNCTION}({number - 1}, null))" if needed else f"?{number}"
        for number, (_, needed) in enumerate(values.columns, 1)
    ]
    counted = _Counted(rows)
    return _insert(connection, target, columns, expressions, counted, values, lambda: counted.number)


class _Counted:
    """Rows, and how many were asked for."""

    def __init__(self, rows: Iterable[Sequence[object]]) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[Sequence[object]]:
        for self.number, row in enumerate(self._rows, 1):  # noqa: B020 - the count is the point
            yield row


class _Values:
    """The SQL function behind the expressions: converts what SQL cannot, and remembers why a value does not fit."""

    def __init__(self, shape: TableShape, columns: Sequence[str], key: Sequence[str], marker: str) -> None:
        chosen = [column for name in columns if (column := shape.column(name))]
        self.columns = [(column, not column.nullable or column.name in key) for column in chosen]
        self._marker = marker
        self.problem: tuple[str, str] | None = None

    def __call__(self, index: int, text: object) -> object:
        column = self.columns[index][0]
        if text is None:
            self.problem = column.name, _MISSING
            raise ValueError
        try:
            value = from_text(self._marker if text == QUOTED_MARKER else str(text), column)
        except UsageError as error:
            self.problem = column.name, error.what
            raise
        if isinstance(value, int) and not -_TOO_LARGE <= value < _TOO_LARGE:
            self.problem = column.name, f"`{str(text)[:SHOWN]}` does not fit column `{column.name}` ({column.type}): SQLite would round it"
            raise ValueError
        return value


def _read(column: Column, number: int, marker: str, needed: bool) -> str:
    """
    The SQL that turns parameter `number`, a field's text, into the column's value.

    An empty text is neither a number nor true nor JSON, and comes before every other one but the quoted marker: so NULL is asked
    for last where it is the empty field, and most values are through after one comparison.
    """
    parameter, null = f"?{number}", "'" + marker.replace("'", "''") + "'"
    call = f"{_FUNCTION}({number - 1}, {parameter})"
    missing = f"when {parameter} = {null} then " + (f"{_FUNCTION}({number - 1}, null)" if needed else "null")
    known = {
        # Compared with a number, a text that is one becomes one: true for exactly those that the column's affinity will turn.
        # In a column of whole numbers one with more than 64 bits would become a float, and lose its last digits.
        "number": f"when cast({parameter} as {'integer' if 'INT' in column.type.upper() else 'numeric'}) = {parameter} then {parameter}",
        "boolean": f"when {parameter} = 'true' then 1 when {parameter} = 'false' then 0",
        "json": f"when json_valid({parameter}) then {parameter}",
        "bytes": "",
    }.get(column.kind, f"when {parameter} >= '\x01' then {parameter}")
    cases = f"{missing} {known}" if marker or not known else f"{known} {missing}"
    other = call if column.kind in ("number", "boolean", "json", "bytes") else f"case {parameter} when '' then '' else {null} end"
    return f"case {cases} else {other} end"


def _insert(
    connection: sqlite3.Connection,
    target: str,
    columns: Sequence[str],
    expressions: Sequence[str],
    rows: Iterable[Sequence[object]],
    values: _Values,
    place: Callable[[], int],
) -> int:
    connection.create_function(_FUNCTION, 2, cast("Any", values))
    names = ", ".join(map(quoted, columns))
    try:
        return connection.executemany(f"insert into {target} ({names}) values ({', '.join(expressions)})", rows).rowcount
    except (sqlite3.Error, csv.Error, ZeroByte, OverflowError, UnicodeEncodeError) as error:
        bad = _bad_value(error, values, place())
        if bad is None:
            raise
        raise bad from error


def _bad_value(error: Exception, values: _Values, place: int) -> BadValue | None:
    if values.problem:
        return BadValue(place, *values.problem)
    if isinstance(error, ZeroByte):
        return BadValue(place + 1, "", "there is a zero byte in one of the next lines")
    name = getattr(error, "sqlite_errorname", None)
    # Without a code it is the driver that refused to bind the row: too many fields, a number too large.
    if isinstance(error, sqlite3.Error) and name not in (None, "SQLITE_CONSTRAINT_CHECK"):
        return None
    return BadValue(place, "", str(error))
