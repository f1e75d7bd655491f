"""A file in a temporary table of SQLite: compared with its target, then written row by row where they differ."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Sequence
from decimal import Decimal

from lockgate.dialects.foreign_keys import ForeignKey
from lockgate.dialects.joined_stage import SHOWN_ROWS, JoinedStage
from lockgate.dialects.sqlite import rows_shape
from lockgate.dialects.sqlite.catalog import quoted
from lockgate.dialects.sqlite.rows_shape import foreign_keys, sql_name
from lockgate.dialects.sqlite.session import SqliteSession
from lockgate.seeds.rows import RowChange, TableShape
from lockgate.seeds.spec import OnChange

_numbers = itertools.count(1)
_SAME_JSON = "lockgate_same_json"


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


class SqliteStage(JoinedStage):
    """
    See `lockgate.dialects.rows.Stage`.

    A row's number is its rowid. SQLite drops temporary tables with the connection, not with the transaction: `write()` drops
    them, and so does a rollback.
    """

    place = "rowid"
    _quoted = staticmethod(quoted)
    _table_sql = staticmethod(sql_name)

    def __init__(
        self, connection: sqlite3.Connection, shape: TableShape, columns: tuple[str, ...], key: tuple[str, ...], name: str
    ) -> None:
        super().__init__(shape.table, sql_name(shape.table), columns, key, name, lambda sql: connection.execute(sql).fetchall())
        self.connection = connection
        self._json = {column.name for column in shape.columns if column.kind == "json"}

    def _note_differences(self, select: str) -> None:
        self.connection.execute(f"create temp table {self._differences.removeprefix('temp.')} as {select}")

    def _numbers(self) -> tuple[int, int, int, int]:
        sql = f"select (select count(*) from {self.name}), (select count(*) from {self._target}),"
        sql += f" coalesce(sum(is_new), 0), coalesce(sum(not is_new), 0) from {self._differences}"
        staged, there, fresh, changed = self.connection.execute(sql).fetchone()
        return staged, there, fresh, changed

    def duplicates(self) -> tuple[dict[str, str], tuple[int, ...]] | None:
        """Return the first key that stands in the file twice, as text, and the numbers of its first rows."""
        sql = f"select min(rowid) from {self.name} group by {self._list(self._key)} having count(*) > 1 order by 1 limit 1"
        first = self.connection.execute(sql).fetchone()
        if first is None:
            return None
        names = ", ".join(self._cell(f"t.{quoted(column)}") for column in self._key)
        values = self.connection.execute(f"select {names} from {self.name} t where t.rowid = ?", first).fetchone()
        pair = f"from {self.name} t join {self.name} s on {self._on} where t.rowid = ? order by s.rowid limit {SHOWN_ROWS}"
        numbers = tuple(number for (number,) in self.connection.execute(f"select s.rowid {pair}", first))
        return dict(zip(self._key, map(str, values), strict=True)), numbers

    def _foreign_keys(self) -> Sequence[ForeignKey]:
        return foreign_keys(SqliteSession(self.connection, write=True), self._table)

    def sample(self, kind: str, limit: int) -> Sequence[RowChange]:
        """Return the first rows of a kind, by key."""
        if kind == "unknown":
            self._index()
        return super().sample(kind, limit)

    def write(self, on_change: OnChange, delete_unknown: bool) -> int:
        """Write, and drop what a commit would leave."""
        deleted = super().write(on_change, delete_unknown)
        for table in (self._differences, self.name):
            self.connection.execute(f"drop table {table}")
        return deleted

    def _delete(self) -> int:
        self._index()
        return self.connection.execute(f"delete from {self._target} as t where {self._unknown}").rowcount

    def _index(self) -> None:
        # Only the search for unknown rows looks into the stage by key; the join looks into the table.
        name = self.name.removeprefix("temp.")
        self.connection.execute(f"create index if not exists {self.name}_key on {name} ({self._list(self._key)})")

    def _update(self) -> None:
        values = ", ".join(f"{quoted(column)} = s.{quoted(column)}" for column in self._others)
        self.connection.execute(f"update {self._target} as t set {values} {self._found} and not d.is_new where {self._on}")

    def _insert(self) -> None:
        source = f"{self._found} and d.is_new order by s.rowid"
        names, values = self._list(self._columns), self._list(self._columns, "s.")
        self.connection.execute(f"insert into {self._target} ({names}) select {values} {source}")

    def _cell(self, value: str) -> str:
        return f"case typeof({value}) when 'blob' then '\\x' || lower(hex({value})) else cast({value} as text) end"

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
