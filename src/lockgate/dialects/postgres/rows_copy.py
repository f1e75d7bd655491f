"""COPY from a file's blocks or from rows, and the sequences behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from lockgate.dialects.postgres.empty import quoted
from lockgate.dialects.postgres.own_names import own_names
from lockgate.dialects.postgres.rows_errors import Unsendable
from lockgate.dialects.postgres.session import PostgresSession
from lockgate.permit import Session
from lockgate.seeds.rows import Column

# Counts down as well as up. A sequence that has not been asked yet gives its last_value itself. What it cannot reach it cannot
# collide with.
_MOVE = """
select pg_catalog.setval(pg_catalog.to_regclass('{literal}'), edge.value)
  from {sequence} s, pg_catalog.pg_sequence d,
       lateral (select case when d.seqincrement > 0 then (select max({column}) from {table})
                            else (select min({column}) from {table}) end) edge (value)
 where d.seqrelid = pg_catalog.to_regclass('{literal}') and edge.value between d.seqmin and d.seqmax
   and case when d.seqincrement > 0 then edge.value >= s.last_value else edge.value <= s.last_value end
"""


def copy_csv(
    session: Session, target: str, columns: Sequence[str], blocks: Iterable[bytes], null: str | None, *, fresh: bool = False
) -> int:
    """
    Copy the body of a CSV into `target`, block by block.

    Args:
        target: as SQL.
        blocks: UTF-8, cut anywhere.
        null: an unquoted field of this text is NULL; None for an empty one.
        fresh: whether `target` was made in this transaction.
    Returns:
        Number of rows.
    """
    # The encoding is the file's, not the session's: PGCLIENTENCODING may say anything.
    options = f"format csv, encoding 'UTF8', null '{_escaped(null or '')}'"
    with _copy(session, target, columns, options, fresh) as (copy, cursor):
        for block in blocks:
            copy.write(block)
    return int(cursor.rowcount)


def copy_rows(session: Session, target: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, fresh: bool = False) -> int:
    """
    Copy rows of None, bool, int, float, bytes and text into `target`.

    Raises:
        Unsendable: a text holds what no text of the database can: a zero byte, half a character.
    """
    import psycopg

    with _copy(session, target, columns, "format text", fresh) as (copy, cursor):
        for number, row in enumerate(rows, 1):
            try:
                copy.write_row(row)
            except (psycopg.DataError, UnicodeEncodeError) as error:
                raise Unsendable(number, _culprit(row, columns), str(error)) from error
    return int(cursor.rowcount)


def _culprit(row: Sequence[object], columns: Sequence[str]) -> str:
    """The column whose text cannot be sent; empty where that is not seen."""
    return next((name for name, value in zip(columns, row, strict=False) if isinstance(value, str) and _broken(value)), "")


def _broken(text: str) -> bool:
    return "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text)


@contextmanager
def _copy(session: Session, target: str, columns: Sequence[str], options: str, fresh: bool) -> Iterator[tuple[Any, Any]]:
    # FREEZE spares the first reader of a new table from writing hint bits into every page: a fifth of a staged load.
    names = ", ".join(map(quoted, columns))
    sql = f"copy {target} ({names}) from stdin ({options}{', freeze' if fresh else ''})"
    cursor = cast(PostgresSession, session).connection.cursor()  # not closed here: the number of rows goes with it
    with cursor.copy(cast("Any", sql)) as copy:
        yield copy, cursor


def move_sequence(session: Session, table: str, column: Column) -> None:
    """Move a column's sequence so that its next value lies behind the table's last; an empty table moves nothing."""
    names = {"sequence": column.sequence, "literal": _escaped(column.sequence), "column": quoted(column.name), "table": table}
    with own_names(session):
        session.execute(_MOVE.format(**names))


def _escaped(text: str) -> str:
    return text.replace("'", "''")
