"""A table of MariaDB or MySQL as the body of a CSV or as JSON Lines: values are written as the loading of seeds reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from lockgate.dialects.mysql.catalog import quoted
from lockgate.dialects.mysql.rows_shape import sql_name
from lockgate.dialects.mysql.session import MysqlSession
from lockgate.errors import UsageError
from lockgate.seeds.rows import Column, TableShape
from lockgate.seeds.written import Cell, UnfitValue, csv_cells, json_cells

_BATCH_ROWS = 2000


def export(
    session: MysqlSession, shape: TableShape, columns: Sequence[Column], key: Sequence[str], format: str
) -> Iterator[tuple[bytes, int]]:
    """Read in batches, unbuffered; see `Rows.export`."""
    from pymysql.cursors import SSCursor

    names = ", ".join(_selected(column) for column in columns)
    order = ", ".join(_ordered(shape.column(name) or Column(name, "")) for name in key)
    cells = [_or_decimal(cell) for cell in (csv_cells if format == "csv" else json_cells)(columns, repr)]
    write = ",".join if format == "csv" else _json_row(columns)
    before = 0
    with session.connection.cursor(SSCursor) as cursor:
        cursor.execute(f"select {names} from {sql_name(shape.table)} order by {order}")
        while batch := cursor.fetchmany(_BATCH_ROWS):
            yield "".join(_written(batch, before, columns, cells, write)).encode(), len(batch)
            before += len(batch)


def _selected(column: Column) -> str:
    name = quoted(column.name)
    if column.type.startswith("float"):  # its text has six digits only
        return f"cast({name} as double)"
    return f"cast({name} as char)" if column.kind in ("other", "json") else name


def _ordered(column: Column) -> str:
    return f"binary {quoted(column.name)}" if column.kind == "text" else quoted(column.name)


def _or_decimal(cell: Cell) -> Cell:
    return lambda value: str(value) if isinstance(value, Decimal) else cell(value)


def _written(
    batch: Sequence[Sequence[object]], before: int, columns: Sequence[Column], cells: Sequence[Cell], write: Callable[[list[str]], str]
) -> Iterator[str]:
    for number, row in enumerate(batch, before + 1):
        values = []
        for column, cell, value in zip(columns, cells, row, strict=True):
            try:
                values.append(cell(value))
            except UnfitValue as error:
                what = f"column `{column.name}` ({column.type}) holds {error}"
                raise UsageError("export-value", what, f"row {number}", error.hint) from error
        yield write(values) + "\n"


def _json_row(columns: Sequence[Column]) -> Callable[[list[str]], str]:
    names = [json.dumps(column.name, ensure_ascii=False) for column in columns]
    return lambda values: "{" + ",".join(f"{name}:{value}" for name, value in zip(names, values, strict=True)) + "}"
