"""A table as the body of a CSV or as JSON Lines, written by the server itself through COPY."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from lockgate.dialects.postgres.empty import quoted
from lockgate.dialects.postgres.rows_shape import sql_name
from lockgate.dialects.postgres.rows_values import plain_text
from lockgate.dialects.postgres.session import PostgresSession
from lockgate.errors import UsageError
from lockgate.permit import Session
from lockgate.seeds.rows import Column, TableShape

_BLOCK = 1 << 18  # bytes
# Whatever the session that loads the file says: these spellings are read in one way only. Without a search_path names inside
# values (regclass) come with their schema; with row security on, a policy would leave rows out without a word.
_SETTINGS = {
    "datestyle": "ISO, YMD",
    "timezone": "UTC",
    "intervalstyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "search_path": "",
    "row_security": "off",
}
# Neither quote nor delimiter can stand in JSON unescaped, so the server writes each row as it is, one a line.
_OPTIONS = {
    "csv": "format csv, encoding 'UTF8', null ''",
    "jsonl": "format csv, encoding 'UTF8', quote E'\\x01', delimiter E'\\x02'",
}
_FIXED = frozenset({"smallint", "integer", "bigint", "real", "double precision"})
_MOST_DIGITS = 4000  # Python reads no longer whole numbers out of JSON
# Arrays of these are JSON lists whose elements come back as they were; all others stay array literals.
_LISTS = re.compile(r"(?:smallint|integer|bigint|real|double precision|numeric|text|character varying|boolean|uuid|date)(?:\(.*\))?\[\]")
# JSON's own null in the place of a value: a tab stands nowhere else, for in texts it is escaped.
_JSON_NULL = b"\tnull"


def estimate(session: Session, shape: TableShape) -> int:
    """Return the number of rows that the catalog has for the table; 0 where it has none, as for partitioned tables."""
    sql = "select greatest(reltuples, 0)::pg_catalog.int8 from pg_catalog.pg_class where oid = pg_catalog.to_regclass(:name)"
    return int(str(session.execute(sql, {"name": sql_name(shape.table)})[0][0]))


def export(
    session: Session, shape: TableShape, columns: Sequence[Column], key: Sequence[str], format: str
) -> Iterator[tuple[bytes, int]]:
    """Stream the table; see `Rows.export`. Every message of COPY is one row (manual, 54.7 Message Formats, CopyData)."""
    select = _csv(columns) if format == "csv" else _json(columns)
    sql = f"copy ({select.format(table=sql_name(shape.table))} order by {_order(shape, key)}) to stdout ({_OPTIONS[format]})"
    connection = cast(PostgresSession, session).connection
    with plain_text(session, _SETTINGS), connection.cursor() as cursor, cursor.copy(cast("Any", sql)) as copy:
        before, rows, size = 0, list[bytes](), 0
        for row in copy:
            rows.append(bytes(row))
            size += len(row)
            if size >= _BLOCK:
                yield _checked(rows, before, format), len(rows)
                before, rows, size = before + len(rows), [], 0
        if rows:
            yield _checked(rows, before, format), len(rows)


def _order(shape: TableShape, key: Sequence[str]) -> str:
    """The order of texts is the server's own affair; letter by letter it is the same everywhere."""
    columns = [column for name in key if (column := shape.column(name))]
    texts = {"text": "t.{}::pg_catalog.text collate pg_catalog.\"C\""}
    return ", ".join(texts.get(column.kind, "t.{}").format(quoted(column.name)) for column in columns)


def _csv(columns: Sequence[Column]) -> str:
    names = ", ".join(f"t.{quoted(column.name)}" for column in columns)
    return f"select {_braced(names)} from {{table}} t"


def _json(columns: Sequence[Column]) -> str:
    values = ", ".join(f"{_value(column)} as {quoted(column.name)}" for column in columns)
    return f"select pg_catalog.row_to_json(r.*) from {{table}} t cross join lateral (select {_braced(values)}) r"


def _braced(sql: str) -> str:
    return sql.replace("{", "{{").replace("}", "}}")


def _value(column: Column) -> str:
    """The SQL of a value whose JSON the loading of seeds turns into the same value again."""
    name = f"t.{quoted(column.name)}"
    text, as_json = f"{name}::pg_catalog.text", f"pg_catalog.to_json({name})"
    if column.kind == "boolean" or (column.kind == "number" and column.type in _FIXED):
        return name
    if column.kind == "number":
        return f"case when pg_catalog.length({text}) > {_MOST_DIGITS} then pg_catalog.to_json({text}) else {as_json} end"
    if column.kind == "json":
        binary = f"{name}::pg_catalog.jsonb"
        return f"case when pg_catalog.jsonb_typeof({binary}) = 'null' then E'\\tnull'::pg_catalog.json else {binary}::pg_catalog.json end"
    if column.kind == "array" and _LISTS.fullmatch(column.type):
        # A literal that begins with a bracket says where its indexes start, which a list cannot.
        return f"case when {text} like '[%' then pg_catalog.to_json({text}) else {as_json} end"
    return text


def _checked(rows: Sequence[bytes], before: int, format: str) -> bytes:
    block = b"".join(rows)
    if format == "jsonl" and _JSON_NULL in block:
        number, row = next((number, row) for number, row in enumerate(rows, before + 1) if _JSON_NULL in row)
        values = json.loads(row.replace(_JSON_NULL, b'{"lockgate": "null"}'))
        column = next(name for name, value in values.items() if value == {"lockgate": "null"})
        what = f"JSON's own `null` in column `{column}` would come back as NULL out of JSON Lines"
        raise UsageError("export-value", what, f"row {number}", "write it with `--format csv`, or leave the column out: `--columns`")
    return block
