"""Seeds on PostgreSQL: COPY in, compared and fingerprinted in the server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lockgate.dialects.postgres import rows_copy, rows_errors, rows_export, rows_shape, rows_values
from lockgate.dialects.postgres.rows_stage import PostgresStage, make_stage
from lockgate.permit import Permit, Session
from lockgate.seeds.csv_body import row_that_copy_calls
from lockgate.seeds.rows import Column, TableShape
from lockgate.seeds.spec import TableName


class PostgresRows:
    """See `lockgate.dialects.rows.Rows`. Sessions are lockgate's own bare ones, over psycopg."""

    def shape(self, session: Session, table: TableName) -> TableShape | None:
        """Read a table's shape; its name and its parents' come back with their schemas."""
        return rows_shape.read_shape(session, table)

    def namesakes(self, session: Session, table: TableName) -> Sequence[TableName]:
        """Read them along the session's search_path."""
        return rows_shape.namesakes(session, table)

    def is_empty(self, session: Session, shape: TableShape) -> bool:
        """Whether the table has no row that this role can see."""
        return not session.execute(f"select 1 from {rows_shape.sql_name(shape.table)} limit 1")

    def load_csv(self, permit: Permit, shape: TableShape, columns: Sequence[str], blocks: Iterable[bytes], null: str | None) -> int:
        """Stream blocks into COPY as they come. A value given for an identity column is taken (manual, COPY, Notes)."""
        return rows_copy.copy_csv(permit.session, rows_shape.sql_name(shape.table), columns, blocks, null)

    def load_rows(self, permit: Permit, shape: TableShape, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
        """Stream rows into COPY, one after the other."""
        return rows_copy.copy_rows(permit.session, rows_shape.sql_name(shape.table), columns, rows)

    def stage_csv(
        self, permit: Permit, shape: TableShape, columns: Sequence[str], key: Sequence[str], blocks: Iterable[bytes], null: str | None
    ) -> PostgresStage:
        """Stream blocks into a temporary table."""
        stage = make_stage(permit.session, shape, columns, key)
        return stage.filled(rows_copy.copy_csv(permit.session, stage.name, columns, blocks, null, fresh=True))

    def stage_rows(
        self, permit: Permit, shape: TableShape, columns: Sequence[str], key: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> PostgresStage:
        """Stream rows into a temporary table."""
        stage = make_stage(permit.session, shape, columns, key)
        return stage.filled(rows_copy.copy_rows(permit.session, stage.name, columns, rows, fresh=True))

    def move_sequences(self, permit: Permit, shape: TableShape, columns: Sequence[str]) -> None:
        """Move sequences on, never back. They are outside the transaction: a rollback leaves them moved, which does no harm."""
        for column in shape.columns:
            if column.sequence and column.name in columns:
                rows_copy.move_sequence(permit.session, rows_shape.sql_name(shape.table), column)

    def settle(self, session: Session) -> None:
        """Check deferred constraints; they stay deferred for what comes after."""
        session.execute("savepoint lockgate_settle")
        session.execute("set constraints all immediate")
        session.execute("rollback to savepoint lockgate_settle")

    def orphans(self, session: Session, shape: TableShape | None) -> int:
        """Return 0: the server refuses them."""
        return 0

    def fingerprint(self, session: Session, shape: TableShape, columns: Sequence[str]) -> str:
        """Return number and hash of the table's rows; see `rows_values.fingerprint`."""
        return rows_values.fingerprint(session, shape, columns)

    def snapshot(self, session: Session) -> None:
        """Make the transaction REPEATABLE READ; READ ONLY it is already."""
        session.execute("set transaction isolation level repeatable read")

    def estimate(self, session: Session, shape: TableShape) -> int:
        """Return what the last ANALYZE or VACUUM left in the catalog."""
        return rows_export.estimate(session, shape)

    def export(
        self, session: Session, shape: TableShape, columns: Sequence[Column], key: Sequence[str], format: str
    ) -> Iterator[tuple[bytes, int]]:
        """Let the server write both formats, by COPY."""
        return rows_export.export(session, shape, columns, key, format)

    def bad_value(self, error: BaseException) -> tuple[int, str, str] | None:
        """
        Read a refusal of COPY; see `rows_errors.bad_value`.

        For a CSV the number is the line within its body at which the row ends: the server counts lines.
        """
        return rows_errors.bad_value(error)

    def line_of(self, lines: Iterable[str], number: int) -> int:
        """Count as COPY does."""
        return row_that_copy_calls(lines, number)
