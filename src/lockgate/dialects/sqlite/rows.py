"""Seeds on SQLite: batches of rows into a table, compared there; what has no server is done beside it, in Python."""

from __future__ import annotations

import hashlib
import marshal
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from lockgate.dialects.csv_records import CountedByPython
from lockgate.dialects.sqlite import rows_export, rows_load, rows_shape
from lockgate.dialects.sqlite.catalog import quoted
from lockgate.dialects.sqlite.rows_stage import SqliteStage, make_stage
from lockgate.dialects.sqlite.session import SqliteSession
from lockgate.permit import Permit, Session
from lockgate.seeds.rows import Column, TableShape
from lockgate.seeds.spec import TableName

_BATCH_ROWS = 2000
_MARSHAL_VERSION = 2  # the last one that writes equal values as equal bytes, whoever else refers to them


class SqliteRows(CountedByPython):
    """See `lockgate.dialects.rows.Rows`. Sessions are lockgate's own bare ones, over sqlite3."""

    def shape(self, session: Session, table: TableName) -> TableShape | None:
        """Read a table's shape; there is no schema but `main`, and it is left out."""
        return rows_shape.read_shape(session, table)

    def namesakes(self, session: Session, table: TableName) -> Sequence[TableName]:
        """A name means one table here."""
        return [table]

    def is_empty(self, session: Session, shape: TableShape) -> bool:
        """Whether the table has no row."""
        return not session.execute(f"select 1 from {rows_shape.sql_name(shape.table)} limit 1")

    def load_csv(self, permit: Permit, shape: TableShape, columns: Sequence[str], blocks: Iterable[bytes], null: str | None) -> int:
        """Insert the rows of a CSV as they are read."""
        return rows_load.insert_csv(connection(permit.session), rows_shape.sql_name(shape.table), shape, columns, blocks, null)

    def load_rows(self, permit: Permit, shape: TableShape, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
        """Insert rows as they come."""
        return rows_load.insert_rows(connection(permit.session), rows_shape.sql_name(shape.table), shape, columns, rows)

    def stage_csv(
        self, permit: Permit, shape: TableShape, columns: Sequence[str], key: Sequence[str], blocks: Iterable[bytes], null: str | None
    ) -> SqliteStage:
        """Insert the rows of a CSV into a temporary table."""
        stage = make_stage(connection(permit.session), shape, columns, key)
        rows_load.insert_csv(stage.connection, stage.name, shape, columns, blocks, null, key)
        return stage

    def stage_rows(
        self, permit: Permit, shape: TableShape, columns: Sequence[str], key: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> SqliteStage:
        """Insert rows into a temporary table."""
        stage = make_stage(connection(permit.session), shape, columns, key)
        rows_load.insert_rows(stage.connection, stage.name, shape, columns, rows, key)
        return stage

    def move_sequences(self, permit: Permit, shape: TableShape, columns: Sequence[str]) -> None:
        """Nothing to do: SQLite notes the highest AUTOINCREMENT value itself, given or counted (sqlite.org, Autoincrement)."""

    def settle(self, session: Session) -> None:
        """Nothing to do: `orphans()` looks after the foreign keys, and SQLite defers nothing else."""

    def orphans(self, session: Session, shape: TableShape | None) -> int:
        """Count what `foreign_key_check` finds: enforcement is off on lockgate's own connections."""
        if shape is None:
            return len(session.execute("pragma foreign_key_check"))
        names = {shape.table.name, *rows_shape.children(session, shape.table)}
        return sum(len(session.execute(f"pragma foreign_key_check({quoted(name)})")) for name in names)

    def fingerprint(self, session: Session, shape: TableShape, columns: Sequence[str]) -> str:
        """
        Return number of rows and a hash of them, read in the order of the key.

        SQLite has no hash function, and one of Python's called for each row takes twice as long as reading in batches.
        """
        key = next((key for key in (shape.primary, *shape.unique) if key and set(key) <= set(columns)), columns)
        names, order = (", ".join(map(quoted, some)) for some in (columns, key))
        cursor = connection(session).execute(f"select {names} from {rows_shape.sql_name(shape.table)} order by {order}")
        digest, count = hashlib.blake2b(digest_size=16), 0
        while batch := cursor.fetchmany(_BATCH_ROWS):
            digest.update(marshal.dumps(batch, _MARSHAL_VERSION))
            count += len(batch)
        return f"{count}-{digest.hexdigest()}"

    def snapshot(self, session: Session) -> None:
        """Nothing to do: every transaction reads one state (sqlite.org, Isolation In SQLite)."""

    def estimate(self, session: Session, shape: TableShape) -> int:
        """Count the rows; nobody keeps their number."""
        return int(str(session.execute(f"select count(*) from {rows_shape.sql_name(shape.table)}")[0][0]))

    def export(
        self, session: Session, shape: TableShape, columns: Sequence[Column], key: Sequence[str], format: str
    ) -> Iterator[tuple[bytes, int]]:
        """Read in batches, and write the values as the loading of seeds reads them."""
        return rows_export.export(connection(session), shape, columns, key, format)


def connection(session: Session) -> sqlite3.Connection:
    """Return the driver's connection, its transaction begun: temporary tables must go with a rollback."""
    bare = cast(SqliteSession, session)
    bare.execute("select 1")
    return bare.connection
