"""Which row of a staged file refers to a row that is not there; the catalog's part is each dialect's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lockgate.permit import Row
from lockgate.seeds.spec import TableName

Orphan = tuple[int, dict[str, str], TableName]  # number of the row from 1, its columns as text, the parent


@dataclass(frozen=True)
class ForeignKey:
    """Columns, and the parent's columns that they refer to, in the same order."""

    columns: tuple[str, ...]
    parent: TableName
    referred: tuple[str, ...]


@dataclass(frozen=True)
class Search:
    """
    Looks for the first orphan of a stage.

    Args:
        stage: as SQL; `place`: its column that tells the order of the file.
        table: that the stage is for: its rows may refer to each other.
        columns: of the stage.
        named: table -> SQL; `quoted`: column -> SQL; `cell`: SQL of a value -> SQL of its text.
        ask: runs a query.
    """

    stage: str
    place: str
    table: TableName
    columns: Sequence[str]
    named: Callable[[TableName], str]
    quoted: Callable[[str], str]
    cell: Callable[[str], str]
    ask: Callable[[str], Sequence[Row]]

    def first(self, keys: Iterable[ForeignKey]) -> Orphan | None:
        """Return the first row without its parent; foreign keys that the file does not fill are left out."""
        for key in keys:
            if set(key.columns) <= set(self.columns) and (found := self.ask(self._sql(key))):
                number, *values = found[0]
                return int(str(number)), dict(zip(key.columns, map(str, values), strict=True)), key.parent
        return None

    def _sql(self, key: ForeignKey) -> str:
        numbered = f"select *, row_number() over (order by {self.place}) as lockgate_number from {self.stage}"
        filled = " and ".join(f"s.{self.quoted(column)} is not null" for column in key.columns)
        places = [self.named(key.parent)]
        if key.parent == self.table and set(key.referred) <= set(self.columns):
            places.append(self.stage)
        missing = " and ".join(f"not exists (select 1 from {place} p where {self._on(key)})" for place in places)
        shown = ", ".join(self.cell(f"s.{self.quoted(column)}") for column in key.columns)
        return f"select s.lockgate_number, {shown} from ({numbered}) s where {filled} and {missing} order by 1 limit 1"

    def _on(self, key: ForeignKey) -> str:
        pairs = zip(key.referred, key.columns, strict=True)
        return " and ".join(f"p.{self.quoted(referred)} = s.{self.quoted(column)}" for referred, column in pairs)
