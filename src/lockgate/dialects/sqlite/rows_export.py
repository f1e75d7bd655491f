"""A table of SQLite as the body of a CSV or as JSON Lines: values are written as the loading of seeds reads them."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence

from lockgate.dialects.sqlite.catalog import quoted
from lockgate.dialects.sqlite.rows_shape import sql_name
from lockgate.errors import UsageError
from lockgate.seeds.rows import Column, TableShape
from lockgate.seeds.written import Cell, UnfitValue, csv_cells, json_cells

_BATCH_ROWS = 2000


def export(
    connection: sqlite3.Connection, shape: TableShape, columns: Sequence[Column], key: Sequence[str], format: str
) -> Iterator[tuple[bytes, int]]:
    """Read in batches; see `Rows.export`."""
    names = ", ".join(quoted(column.name) for column in columns)
    order = ", ".join(f"{quoted(name)} collate binary" for name in key)
    cursor = connection.execute(f"select {names} from {sql_name(shape.table)} order by {order}")
    cells = (csv_cells if format == "csv" else json_cells)(columns, _exact_in(connection))
    write = _csv_row if format == "csv" else _json_row(columns)
    before = 0
    while batch := cursor.fetchmany(_BATCH_ROWS):
        yield "".join(_written(batch, before, columns, cells, write)).encode(), len(batch)
        before += len(batch)


def _written(
    batch: Sequence[Sequence[object]], before: int, columns: Sequence[Column], cells: Sequence[Cell], write: Callable[[list[str]], str]
) -> Iterator[str]:
    for number, row in enumerate(batch, before + 1):
        try:
            yield write([cell(value) for cell, value in zip(cells, row, strict=True)])
        except UnfitValue as error:
            column = next(column for column, cell, value in zip(columns, cells, row, strict=True) if not _fits(cell, value))
            what = f"column `{column.name}` ({column.type or 'no type'}) holds {error}"
            raise UsageError("export-value", what, f"row {number}", error.hint) from error


def _fits(cell: Cell, value: object) -> bool:
    try:
        cell(value)
    except UnfitValue:
        return False
    return True


def _csv_row(values: list[str]) -> str:
    return ",".join(values) + "\n"


def _json_row(columns: Sequence[Column]) -> Callable[[list[str]], str]:
    names = [json.dumps(column.name, ensure_ascii=False) for column in columns]

    def write(values: list[str]) -> str:
        return "{" + ",".join(f"{name}:{value}" for name, value in zip(names, values, strict=True)) + "}\n"

    return write


def _exact_in(connection: sqlite3.Connection) -> Callable[[float], str]:
    """SQLite reads one in 300 numbers of 17 digits as its neighbour (3.40): take the first spelling that it reads as this number."""

    def exact(value: float) -> str:
        for spelling in (repr(value), f"{value:.17g}", f"{value:.18g}", f"{value:.19g}"):
            if connection.execute("select cast(? as real)", (spelling,)).fetchone()[0] == value:
                return spelling
        raise UnfitValue("a number that SQLite would read out of text as its neighbour", "write it with `--format jsonl`")

    def finite(value: float) -> str:
        return exact(value) if math.isfinite(value) else f"{'-' * (value < 0)}9e999"

    return finite
