"""A file in a temporary table of SQLite: compared with its target, then written row by row where they differ."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Sequence
from decimal import Decimal

from lockgate.dialects.foreign_keys import Orphan, Search
from lockgate.dialects.row_changes import Sampler
from lockgate.dialects.sqlite import rows_shape
from lockgate.dialects.sqlite.catalog import quoted
from lockgate.dialects.sqlite.rows_shape import foreign_keys, sql_name
from lockgate.dialects.sqlite.session import SqliteSession
from lockgate.permit import Row
from lockgate.seeds.rows import Counts, RowChange, TableShape
from lockgate.seeds.spec import OnChange

_numbers = itertools.count(1)
_SHOWN_ROWS = 10  # of a key that stands in the file again and again
_SAME_JSON = "lockgate_same_json"
_CELL = "case typeof({0}) when 'blob' then '\\x' || lower(hex({0})) else cast({0} as text) end"


def make_stage(connection: sqlite3.Connection, shape: TableShape, columns: Sequence[str], key: Sequence[str]) -> SqliteStage:
    """Make an empty temporary table with the file's columns, declared as in the target: so values get the same storage."""
    chosen = [column for name in columns if (column := shape.column(name))]
    # Keys that the table's own index holds for the same must be found twice in the file.
    collations = rows_shape.collations(SqliteSession(connection, write=True), shape.table)
    collated = {column: f" collate {quoted(collation)}" for column, collation in collations.items() if column in key}
    name = f"lockgate_stage_{next(_numbers)}"
    connection.create_function(_SAME_JSON, 2, _same_json, deterministic=True)
    declared = ", ".join(quoted(column.name) + f" {column.type}" + collated.get(column.name, "") for column in chosen)
    connection.execute(f"create temp table {name} ({declared})")
    return SqliteStage(connection, shape, tuple(columns), tuple(key), f"temp.{name}")


class SqliteStage:
    """
    See `lockgate.dialects.rows.Stage`.

    A row's number is its rowid. SQLite drops temporary tables with the connection, not with the transaction: `write()` drops
    them, and so does a rollback.
    """

    def __init__(
        self, connection: sqlite3.Connection, shape: TableShape, columns: tuple[str, ...], key: tuple[str, ...], name: str
    ) -> None:
        self.connection, self.name = connection, name
        self._columns, self._key = columns, key
        self._table, self._target = shape.table, sql_name(shape.table)
        self._json = {column.name for column in shape.columns if column.kind == "json"}
        self._others = [column for column in columns if column not in key]
        self._counts: Counts | None = None
        # The table on the left: its collation decides, as its unique index does.
        self._on = " and ".join(f"t.{quoted(column)} = s.{quoted(column)}" for column in key)
        self._unknown = f"not exists (select 1 from {name} s where {self._on})"

    @property
    def _differences(self) -> str:
        return f"{self.name}_diff"

    def compare(self) -> Counts:
        """
        Compare by key, in one query, and remember the differences.

        Rows whose key stands in the file twice are counted twice: ask `duplicates()` first.
        """
        if self._counts is None:
            self._counts = self._compared()
        return self._counts

    def _compared(self) -> Counts:
        new = f"t.{quoted(self._key[0])} is null"
        different = " or ".join([new, *map(self._differs, self._others)])
        joined = f"from {self.name} s left join {self._target} t on {self._on}"
        name = self._differences.removeprefix("temp.")
        self.connection.execute(f"create temp table {name} as select s.rowid as place, {new} as is_new {joined} where {different}")
        sql = f"select (select count(*) from {self.name}), (select count(*) from {self._target}),"
        sql += f" coalesce(sum(is_new), 0), coalesce(sum(not is_new), 0) from {self._differences}"
        staged, there, fresh, changed = self.connection.execute(sql).fetchone()
        # The key is unique in the table: as many of its rows are known as rows of the file were not new.
        return Counts(fresh, changed, staged - fresh - changed, max(there - (staged - fresh), 0))

    def duplicates(self) -> tuple[dict[str, str], tuple[int, ...]] | None:
        """Return the first key that stands in the file twice, as text, and the numbers of its first rows."""
        keys = ", ".join(map(quoted, self._key))
        sql = f"select min(rowid) from {self.name} group by {keys} having count(*) > 1 order by 1 limit 1"
        first = self.connection.execute(sql).fetchone()
        if first is None:
            return None
        names = ", ".join(_CELL.format(f"t.{quoted(column)}") for column in self._key)
        values = self.connection.execute(f"select {names} from {self.name} t where t.rowid = ?", first).fetchone()
        pair = f"from {self.name} t join {self.name} s on {self._on} where t.rowid = ? order by s.rowid limit {_SHOWN_ROWS}"
        numbers = tuple(number for (number,) in self.connection.execute(f"select s.rowid {pair}", first))
        return dict(zip(self._key, map(str, values), strict=True)), numbers

    def orphan(self) -> Orphan | None:
        """Return the first row whose parent is missing."""
        search = Search(self.name, "rowid", self._table, self._columns, sql_name, quoted, _CELL.format, self._ask)
        return search.first(foreign_keys(SqliteSession(self.connection, write=True), self._table))

    def _ask(self, sql: str) -> list[Row]:
        return self.connection.execute(sql).fetchall()

    def sample(self, kind: str, limit: int) -> Sequence[RowChange]:
        """Return the first rows of a kind, by key."""
        self.compare()
        found = f"from {self.name} s join {self._differences} d on d.place = s.rowid"
        sources = {
            "new": f"{found} where d.is_new",
            "changed": f"{found} join {self._target} t on {self._on} where not d.is_new",
            "unknown": f"from {self._target} t where {self._unknown}",
        }
        self._index(kind == "unknown")
        sampler = Sampler(self._columns, self._key, _CELL.format, self._differs, quoted)
        return sampler.read(kind, self.connection.execute(sampler.select(kind, sources[kind], limit)))

    def write(self, on_change: OnChange, delete_unknown: bool) -> int:
        """Delete, update, insert, in this order: a row that goes may hold a value that another unique key wants."""
        counts = self.compare()
        deleted = self._delete() if delete_unknown and counts.unknown else 0
        if counts.changed and self._others and on_change is OnChange.UPDATE:
            self._update()
        if counts.new:
            self._insert()
        for table in (self._differences, self.name):
            self.connection.execute(f"drop table {table}")
        return deleted

    def _delete(self) -> int:
        self._index(True)
        return self.connection.execute(f"delete from {self._target} as t where {self._unknown}").rowcount

    def _index(self, wanted: bool) -> None:
        # Only the search for unknown rows looks into the stage by key; the join looks into the table.
        if wanted:
            name = self.name.removeprefix("temp.")
            self.connection.execute(f"create index if not exists {self.name}_key on {name} ({', '.join(map(quoted, self._key))})")

    def _update(self) -> None:
        values = ", ".join(f"{quoted(column)} = s.{quoted(column)}" for column in self._others)
        source = f"from {self.name} s join {self._differences} d on d.place = s.rowid and not d.is_new"
        self.connection.execute(f"update {self._target} as t set {values} {source} where {self._on}")

    def _insert(self) -> None:
        names = ", ".join(map(quoted, self._columns))
        values = ", ".join(f"s.{quoted(column)}" for column in self._columns)
        source = f"from {self.name} s join {self._differences} d on d.place = s.rowid and d.is_new order by s.rowid"
        self.connection.execute(f"insert into {self._target} ({names}) select {values} {source}")

    def _differs(self, column: str) -> str:
        old, new = f"t.{quoted(column)}", f"s.{quoted(column)}"
        # Whatever the column's collation ignores: a seed that corrects a capital letter must arrive.
        plain = f"{old} collate binary is not {new}"
        return f"({plain} and not {_SAME_JSON}({old}, {new}))" if column in self._json else plain


def _same_json(one: object, other: object) -> bool:
    try:
        return one is not None and other is not None and _json_value(one) == _json_value(other)
    except ValueError:
        return False


def _json_value(text: object) -> object:
    # A number is wrapped: Python's True equals 1, JSON's does not. As a Decimal, 1 and 1.0 are one value, as in JSONB.
    return json.loads(text if isinstance(text, bytes) else str(text), parse_int=_number, parse_float=_number)


def _number(text: str) -> tuple[Decimal]:
    return (Decimal(text),)
