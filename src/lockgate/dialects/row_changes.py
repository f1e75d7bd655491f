"""Rows that differ between a file and a table, as people read them; the SQL is each dialect's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lockgate.permit import Row
from lockgate.seeds.rows import RowChange


@dataclass(frozen=True)
class Sampler:
    """
    Asks for old value, new value and "does it differ" of each column, and reads the answer.

    The query that it is put before names the table `t` and the file `s`.

    Args:
        cell: `t."a"` -> SQL of its text.
        differs: column -> SQL that is true where the cells of `t` and `s` are not the same value: 1.0 and 1.00 have two texts.
        quoted: column -> SQL.
    """

    columns: Sequence[str]
    key: Sequence[str]
    cell: Callable[[str], str]
    differs: Callable[[str], str]
    quoted: Callable[[str], str]

    def select(self, kind: str, source: str, limit: int) -> str:
        """Return the query for the first `limit` rows of a kind, in the order of the key."""
        old = [self._side(kind != "new", "t", column) for column in self.columns]
        new = [self._side(kind != "unknown", "s", column) for column in self.columns]
        shown = [self._shown(kind, column) for column in self.columns]
        alias = "t" if kind == "unknown" else "s"
        order = ", ".join(f"{alias}.{self.quoted(column)}" for column in self.key)
        return f"select {', '.join([*old, *new, *shown])} {source} order by {order} limit {limit}"

    def _side(self, there: bool, alias: str, column: str) -> str:
        return self.cell(f"{alias}.{self.quoted(column)}") if there else "null"

    def _shown(self, kind: str, column: str) -> str:
        if kind != "changed":
            return "1 = 1"
        return "1 = 0" if column in self.key else self.differs(column)

    def read(self, kind: str, rows: Iterable[Row]) -> list[RowChange]:
        """Read the rows of `select()`."""
        width = len(self.columns)
        return [self._change(kind, row[:width], row[width : 2 * width], row[2 * width :]) for row in rows]

    def _change(self, kind: str, old: Row, new: Row, shown: Row) -> RowChange:
        pairs = dict(zip(self.columns, zip(map(_text, old), map(_text, new), strict=True), strict=True))
        key = {column: pairs[column][0 if kind == "unknown" else 1] or "" for column in self.key}
        return RowChange(kind, key, {column: pairs[column] for column, show in zip(self.columns, shown, strict=True) if show})


def _text(value: object) -> str | None:
    return None if value is None else str(value)
