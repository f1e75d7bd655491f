"""Seeds on MariaDB and MySQL: blocks of rows into a table, compared and fingerprinted in the server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from lockgate.dialects.csv_records import CountedByPython
from lockgate.dialects.mysql import rows_export, rows_load, rows_shape, rows_values
from lockgate.dialects.mysql.rows_stage import MysqlStage, make_stage
from lockgate.dialects.mysql.session import MysqlSession
from lockgate.permit import Permit, Session
from lockgate.seeds.rows import Column, TableShape
from lockgate.seeds.spec import TableName


class MysqlRows(CountedByPython):
    """See `lockgate.dialects.rows.Rows`. Sessions are lockgate's own bare ones, over pymysql."""

    def shape(self, session: Session, table: TableName) -> TableShape | None:
        """Read a table's shape, in the connection's own schema only; the schema is left out."""
        return rows_shape.read_shape(session, table)

    def namesakes(self, session: Session, table: TableName) -> Sequence[TableName]:
        """A name means one table here."""
        return [table]

    def is_empty(self, session: Session, shape: TableShape) -> bool:
        """Whether the table has no row."""
        return not session.execute(f"select 1 from {rows_shape.sql_name(shape.table)} limit 1")

    def load_csv(self, permit: Permit, shape: TableShape, columns: Sequence[str], blocks: Iterable[bytes], null: str | None) -> int:
        """Insert the rows of a CSV, block by block."""
        return rows_load.insert_csv(_own(permit.session), rows_shape.sql_name(shape.table), shape, columns, blocks, null)

    def load_rows(self, permit: Permit, shape: TableShape, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
        """Insert rows, block by block."""
        return rows_load.insert_rows(_own(permit.session), rows_shape.sql_name(shape.table), shape, columns, rows)

    def stage_csv(
        self, permit: Permit, shape: TableShape, columns: Sequence[str], key: Sequence[str], blocks: Iterable[bytes], null: str | None
    ) -> MysqlStage:
        """Insert the rows of a CSV into a temporary table."""
        stage = make_stage(_own(permit.session), shape, columns, key)
        rows_load.insert_csv(stage.session, stage.name, shape, columns, blocks, null, key)
        return stage

    def stage_rows(
        self, permit: Permit, shape: TableShape, columns: Sequence[str], key: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> MysqlStage:
        """Insert rows into a temporary table."""
        stage = make_stage(_own(permit.session), shape, columns, key)
        rows_load.insert_rows(stage.session, stage.name, shape, columns, rows, key)
        return stage

    def move_sequences(self, permit: Permit, shape: TableShape, columns: Sequence[str]) -> None:
        """Nothing to do: AUTO_INCREMENT moves past every value that is given."""

    def settle(self, session: Session) -> None:
        """Nothing to do: the server checks every row at once."""

    def orphans(self, session: Session, shape: TableShape | None) -> int:
        """Return 0: the server refuses them."""
        return 0

    def fingerprint(self, session: Session, shape: TableShape, columns: Sequence[str]) -> str:
        """Return number and hash of the table's rows; see `rows_values.fingerprint`."""
        return rows_values.fingerprint(session, shape, columns)

    def snapshot(self, session: Session) -> None:
        """Read one state of all InnoDB tables from here on."""
        session.execute("start transaction with consistent snapshot")

    def estimate(self, session: Session, shape: TableShape) -> int:
        """Return the number of rows that the catalog has for the table."""
        sql = "select coalesce(table_rows, 0) from information_schema.tables where table_schema = database() and table_name = :name"
        return int(str(session.execute(sql, {"name": shape.table.name})[0][0]))

    def export(
        self, session: Session, shape: TableShape, columns: Sequence[Column], key: Sequence[str], format: str
    ) -> Iterator[tuple[bytes, int]]:
        """Read in batches, and write the values as the loading of seeds reads them."""
        return rows_export.export(_own(session), shape, columns, key, format)


def _own(session: Session) -> MysqlSession:
    return cast(MysqlSession, session)
