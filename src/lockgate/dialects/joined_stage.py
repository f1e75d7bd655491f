"""A file in a temporary table, joined with its target by key: what the dialects' stages share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from lockgate.dialects.foreign_keys import ForeignKey, Orphan, Search
from lockgate.dialects.row_changes import Sampler
from lockgate.permit import Row
from lockgate.seeds.rows import Counts, RowChange
from lockgate.seeds.spec import OnChange, TableName

SHOWN_ROWS = 10  # of a key that stands in the file again and again


class JoinedStage(ABC):
    """
    See `lockgate.dialects.rows.Stage`. In the SQL `t` is the target and `s` the file.

    Args:
        table: the target.
        target: the target as SQL.
        name: the temporary table as SQL.
        ask: runs a query on the stage's connection.
    """

    place: ClassVar[str]  # the column of the temporary table that says where in the file a row stood

    def __init__(
        self,
        table: TableName,
        target: str,
        columns: tuple[str, ...],
        key: tuple[str, ...],
        name: str,
        ask: Callable[[str], Sequence[Row]],
    ) -> None:
        self.name = name
        self._ask = ask
        self._table, self._target = table, target
        self._columns, self._key = columns, key
        self._others = [column for column in columns if column not in key]
        self._counts: Counts | None = None
        # The table on the left: its collation decides, as its unique index does.
        self._on = " and ".join(f"t.{self._quoted(column)} = s.{self._quoted(column)}" for column in key)
        self._unknown = f"not exists (select 1 from {name} s where {self._on})"

    @staticmethod
    @abstractmethod
    def _quoted(name: str) -> str: ...

    @staticmethod
    @abstractmethod
    def _table_sql(table: TableName) -> str: ...

    @abstractmethod
    def _cell(self, value: str) -> str:
        """Return the SQL of a value as people read it."""

    @abstractmethod
    def _differs(self, column: str) -> str:
        """Return the SQL that is true where `t` and `s` have two values."""

    @abstractmethod
    def _foreign_keys(self) -> Sequence[ForeignKey]: ...

    @abstractmethod
    def _numbers(self) -> tuple[int, int, int, int]:
        """Return how many rows the file and the table have, how many are new and how many are changed."""

    @abstractmethod
    def _note_differences(self, select: str) -> None:
        """Keep what `select` finds, the places of rows that are new or differ, in the table `_differences`."""

    @abstractmethod
    def _delete(self) -> int: ...

    @abstractmethod
    def _update(self) -> None: ...

    @abstractmethod
    def _insert(self) -> None: ...

    @property
    def _differences(self) -> str:
        return f"{self.name}_diff"

    @property
    def _found(self) -> str:
        return f"from {self.name} s join {self._differences} d on d.place = s.{self.place}"

    def compare(self) -> Counts:
        """
        Compare by key, in one query, and remember the differences.

        Rows whose key stands in the file twice are counted twice: ask `duplicates()` first.
        """
        if self._counts is None:
            self._counts = self._compared()
        return self._counts

    def _compared(self) -> Counts:
        new = f"t.{self._quoted(self._key[0])} is null"  # a key column is never NULL
        different = " or ".join([new, *map(self._differs, self._others)])
        joined = f"from {self.name} s left join {self._target} t on {self._on}"
        self._note_differences(f"select s.{self.place} as place, {new} as is_new {joined} where {different}")
        staged, there, fresh, changed = self._numbers()
        # The key is unique in the table: as many of its rows are known as rows of the file were not new.
        return Counts(fresh, changed, staged - fresh - changed, max(there - (staged - fresh), 0))

    def orphan(self) -> Orphan | None:
        """Return the first row whose parent is missing."""
        search = Search(self.name, self.place, self._table, self._columns, self._table_sql, self._quoted, self._cell, self._ask)
        return search.first(self._foreign_keys())

    def sample(self, kind: str, limit: int) -> Sequence[RowChange]:
        """Return the first rows of a kind, by key."""
        self.compare()
        sources = {
            "new": f"{self._found} where d.is_new",
            "changed": f"{self._found} join {self._target} t on {self._on} where not d.is_new",
            "unknown": f"from {self._target} t where {self._unknown}",
        }
        sampler = Sampler(self._columns, self._key, self._cell, self._differs, self._quoted)
        return sampler.read(kind, self._ask(sampler.select(kind, sources[kind], limit)))

    def write(self, on_change: OnChange, delete_unknown: bool) -> int:
        """
        Delete, update, insert, in this order: a row that goes may hold a value that another unique key wants.

        Rows are found by key again, not by place: others may have written the table since.
        """
        counts = self.compare()
        deleted = self._delete() if delete_unknown and counts.unknown else 0
        if counts.changed and self._others and on_change is OnChange.UPDATE:
            self._update()
        if counts.new:
            self._insert()
        return deleted

    def _list(self, columns: Sequence[str], alias: str = "") -> str:
        return ", ".join(f"{alias}{self._quoted(column)}" for column in columns)
