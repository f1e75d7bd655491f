"""Rows into a MariaDB or MySQL table: by `LOAD DATA LOCAL` where the server allows it, by INSERTs of many rows otherwise."""

from __future__ import annotations

import csv
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lockgate.dialects.csv_records import QUOTED_MARKER, BadValue, ZeroByte, csv_lines, long_fields
from lockgate.dialects.mysql.catalog import quoted
from lockgate.dialects.mysql.session import MysqlSession, number_of
from lockgate.errors import UsageError
from lockgate.seeds.convert import from_text
from lockgate.seeds.rows import Column, TableShape

_BLOCK_ROWS = 10_000
_BATCH_ROWS = 500
_BATCH_CHARACTERS = 500_000  # max_allowed_packet is 16 MB or more
_SAVEPOINT = "lockgate_block"
# Errors about one row's own values: NULL, range, type, length, JSON, CHECK; MariaDB Knowledge Base, Error Codes; MySQL's reference.
_ABOUT_VALUES = frozenset({1048, 1264, 1265, 1292, 1364, 1366, 1367, 1406, 3140, 3819, 4025, 4078})
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"})
_MISSING = "NULL does not fit: the column is NOT NULL or part of the key"
# Nothing is bent to fit, 0 is a key like any other, and what is only rounded is no warning.
_SETTINGS = """
set session sql_mode = concat(replace(@@sql_mode, 'NO_BACKSLASH_ESCAPES', ''), ',STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO'), session sql_notes = 0
"""
Numbered = tuple[int, list[object]]  # number of the row, or of the line at which it ends; its values


def insert_csv(
    session: MysqlSession,
    target: str,
    shape: TableShape,
    columns: Sequence[str],
    blocks: Iterable[bytes],
    null: str | None,
    key: Sequence[str] = (),
) -> int:
    """
    Insert the body of a CSV.

    Args:
        target: as SQL.
        null: an unquoted field of this text is NULL; None for an empty one.
        key: columns that must not be NULL, beside those that are NOT NULL.
    Returns:
        Number of rows.
    Raises:
        BadValue: with the line at which the row ends.
    """
    chosen = _chosen(shape, columns)
    with long_fields():
        return _send(session, target, chosen, _csv_rows(chosen, key, blocks, null or ""))


def insert_rows(
    session: MysqlSession, target: str, shape: TableShape, columns: Sequence[str], rows: Iterable[Sequence[object]], key: Sequence[str] = ()
) -> int:
    """Insert rows of None, bool, int, float, bytes and text; see `insert_csv`."""
    chosen = _chosen(shape, columns)
    return _send(session, target, chosen, _checked(((number, list(row)) for number, row in enumerate(rows, 1)), chosen, key))


def _chosen(shape: TableShape, columns: Sequence[str]) -> list[Column]:
    return [column for name in columns if (column := shape.column(name))]


def _csv_rows(columns: Sequence[Column], key: Sequence[str], blocks: Iterable[bytes], marker: str) -> Iterator[Numbered]:
    reader = csv.reader(csv_lines(blocks, marker), strict=True)

    def rows() -> Iterator[Numbered]:
        try:
            for fields in reader:
                yield reader.line_num, [_value(field, column, marker, reader) for field, column in zip(fields, columns, strict=True)]
        except ZeroByte:
            raise BadValue(reader.line_num + 1, "", "there is a zero byte in one of the next lines") from None
        except BadValue:
            raise
        except (csv.Error, ValueError) as error:  # no record, or one with too many or too few fields
            raise BadValue(reader.line_num, "", str(error)) from error

    return _checked(rows(), columns, key)


def _value(field: str, column: Column, marker: str, reader: Any) -> object:
    if field == marker:
        return None
    try:
        return from_text(marker if field == QUOTED_MARKER else field, column)
    except UsageError as error:
        raise BadValue(reader.line_num, column.name, error.what) from error


def _checked(rows: Iterator[Numbered], columns: Sequence[Column], key: Sequence[str]) -> Iterator[Numbered]:
    needed = [(place, column.name) for place, column in enumerate(columns) if not column.nullable or column.name in key]
    for number, row in rows:
        for place, name in needed:
            if row[place] is None:
                raise BadValue(number, name, _MISSING)
        yield number, row


def _send(session: MysqlSession, target: str, columns: Sequence[Column], rows: Iterator[Numbered]) -> int:
    session.execute(_SETTINGS)
    count, quick = 0, bool(session.execute("select @@local_infile")[0][0])
    while block := list(itertools.islice(rows, _BLOCK_ROWS)):
        session.execute(f"savepoint {_SAVEPOINT}")
        if not (quick and _loaded(session, target, columns, [row for _, row in block])):
            session.execute(f"rollback to savepoint {_SAVEPOINT}")
            _insert(session, target, columns, block)
        count += len(block)
    return count


def _loaded(session: MysqlSession, target: str, columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> bool:
    """
    Load by `LOAD DATA LOCAL`; False where the server refused, or warned: to a local file it is never strict.

    The INSERTs that follow tell which row it was.
    """
    import pymysql

    places = [f"@v{number}" if column.kind == "bytes" else quoted(column.name) for number, column in enumerate(columns)]
    unhexed = [f"{quoted(column.name)} = unhex(@v{number})" for number, column in enumerate(columns) if column.kind == "bytes"]
    sets = f" set {', '.join(unhexed)}" if unhexed else ""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", prefix="lockgate-") as file:
        try:
            file.writelines("\t".join(map(_cell, row)) + "\n" for row in rows)
        except UnicodeEncodeError:
            return False
        file.flush()
        path = file.name.replace("\\", "\\\\").replace("'", "''")
        try:
            session.execute(f"load data local infile '{path}' into table {target} character set utf8mb4 ({', '.join(places)}){sets}")
        except pymysql.err.Error as error:
            if number_of(error) in (2006, 2013, 1213):
                raise
            return False
        return not session.execute("select @@warning_count")[0][0]


def _cell(value: object) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, bytes):
        return value.hex()
    return str(value).translate(_ESCAPED)


def _insert(session: MysqlSession, target: str, columns: Sequence[Column], block: Sequence[Numbered]) -> None:
    head = f"insert into {target} ({', '.join(quoted(column.name) for column in columns)}) values "
    for batch in _batches(block):
        session.execute(f"savepoint {_SAVEPOINT}")
        error = _refusal(session, head, [row for _, row in batch])
        if error is None:
            continue
        session.execute(f"rollback to savepoint {_SAVEPOINT}")
        for number, row in batch:  # once more, one by one: which of them is it
            one = _refusal(session, head, [row])
            if one is not None:
                raise _explained(one, number, row, columns) from one
        raise error


def _batches(block: Sequence[Numbered]) -> Iterator[list[Numbered]]:
    batch: list[Numbered] = []
    size = 0
    for item in block:
        batch.append(item)
        size += sum(len(str(value)) for value in item[1])
        if len(batch) >= _BATCH_ROWS or size > _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _refusal(session: MysqlSession, head: str, rows: Sequence[Sequence[object]]) -> Exception | None:
    """Insert rows in one statement; return the server's refusal, or the driver's of a text that is none."""
    import pymysql

    values = ", ".join(["(" + ", ".join(["%s"] * len(rows[0])) + ")"] * len(rows))
    try:
        with session.connection.cursor() as cursor:
            cursor.execute(head.replace("%", "%%") + values, [value for row in rows for value in row])
    except (pymysql.err.Error, UnicodeEncodeError) as error:
        return error
    return None


def _explained(error: Exception, number: int, row: Sequence[object], columns: Sequence[Column]) -> Exception:
    if isinstance(error, UnicodeEncodeError):
        name = next((column.name for column, value in zip(columns, row, strict=True) if isinstance(value, str) and _broken(value)), "")
        return BadValue(number, name, str(error))
    if number_of(error) not in _ABOUT_VALUES:
        return error
    message = str(error.args[1])
    named = (column.name for column in columns if f"`{column.name}`" in message or f"'{column.name}'" in message)
    return BadValue(number, next(named, ""), message.removesuffix(" at row 1"))


def _broken(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)
