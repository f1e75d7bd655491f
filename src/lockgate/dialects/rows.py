"""What seeds ask of a database: the shape of a table, a staged file, its difference, its writing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from lockgate.dialects.foreign_keys import Orphan
from lockgate.permit import Permit, Session
from lockgate.seeds.rows import Column, Counts, RowChange, TableShape
from lockgate.seeds.spec import OnChange, TableName

Progress = Callable[[int], None]  # bytes of the file read so far


class Stage(Protocol):
    """A file in a temporary table of one session, gone at the end of the transaction."""

    def compare(self) -> Counts:
        """Compare file and table by key, in one query. `unknown` is only counted where the seed asks about unknown rows."""

    def duplicates(self) -> tuple[dict[str, str], tuple[int, ...]] | None:
        """Return a key that stands in the file twice, with the numbers of its rows (from 1, header excluded); None where none does."""

    def orphan(self) -> Orphan | None:
        """Return the file's first row that refers to a row which is neither in the table nor in the file; None where none does."""

    def sample(self, kind: str, limit: int) -> Sequence[RowChange]:
        """Return the first rows of a kind, in the order of the key."""

    def write(self, on_change: OnChange, delete_unknown: bool) -> int:
        """Insert new rows, update changed ones where asked, delete unknown ones where asked; return the number of rows deleted."""


class Rows(Protocol):
    """The part of a dialect that seeds use. All work happens in the transaction that is open on the permit's session."""

    def shape(self, session: Session, table: TableName) -> TableShape | None:
        """Read a table's shape; None where there is no such table."""

    def namesakes(self, session: Session, table: TableName) -> Sequence[TableName]:
        """The tables and views that a name could mean, the one that it does mean first; more than one only without a schema."""

    def is_empty(self, session: Session, shape: TableShape) -> bool:
        """Whether the table has no row."""

    def load_csv(self, permit: Permit, shape: TableShape, columns: Sequence[str], blocks: Iterable[bytes], null: str | None) -> int:
        """Copy the body of a CSV (UTF-8, header excluded) straight into the table; return its rows."""

    def load_rows(self, permit: Permit, shape: TableShape, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
        """Copy rows (Python's values in the order of `columns`) straight into the table; return their number."""

    def stage_csv(
        self, permit: Permit, shape: TableShape, columns: Sequence[str], key: Sequence[str], blocks: Iterable[bytes], null: str | None
    ) -> Stage:
        """Put the body of a CSV (UTF-8, header excluded) into a temporary table."""

    def stage_rows(
        self, permit: Permit, shape: TableShape, columns: Sequence[str], key: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> Stage:
        """Put rows into a temporary table."""

    def move_sequences(self, permit: Permit, shape: TableShape, columns: Sequence[str]) -> None:
        """Move identity and serial sequences past the highest value of the columns that the file filled."""

    def settle(self, session: Session) -> None:
        """Check now what the database would check at the commit, where nobody could say any more which file it was."""

    def orphans(self, session: Session, shape: TableShape | None) -> int:
        """
        Count rows whose parent is missing, where the database lets them in; 0 where it refuses them itself.

        Args:
            shape: of the table; it and the tables that refer to it are looked at. None for all tables.
        """

    def fingerprint(self, session: Session, shape: TableShape, columns: Sequence[str]) -> str:
        """Return number and content of the table's rows as a short text, computed in the server, whatever their order."""

    def snapshot(self, session: Session) -> None:
        """Let the transaction that begins now see one state of all tables, whatever others write meanwhile; the first thing to say in it."""

    def estimate(self, session: Session, shape: TableShape) -> int:
        """Return about how many rows the table has, without counting them where that takes long; 0 where nobody knows."""

    def export(
        self, session: Session, shape: TableShape, columns: Sequence[Column], key: Sequence[str], format: str
    ) -> Iterator[tuple[bytes, int]]:
        """
        Read the rows in the order of the key, the same on every server, and write them as a seed of `format` says them.

        Args:
            format: `csv` (without a header) or `jsonl`.
        Yields:
            Blocks of whole rows as UTF-8, each with its number of rows; memory does not grow with the table.
        Raises:
            UsageError: `export-value`: a value that a seed of this format could not bring back.
        """

    def bad_value(self, error: BaseException) -> tuple[int, str, str] | None:
        """
        Read a refusal of a value that does not fit.

        Returns:
            Row (from 1, header excluded; for a CSV whatever number `line_of()` understands), column and message; None for any
            other error.
        """

    def line_of(self, lines: Iterable[str], number: int) -> int:
        """Return the line of a CSV at which the row begins that `bad_value()` gave a number to; `lines` are the whole file's."""
