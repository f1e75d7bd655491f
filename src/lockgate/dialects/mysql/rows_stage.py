"""A file in a temporary table of MariaDB or MySQL: compared with its target, then written where they differ."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from lockgate.dialects.foreign_keys import Orphan, Search
from lockgate.dialects.mysql.catalog import quoted
from lockgate.dialects.mysql.rows_shape import foreign_keys, sql_name
from lockgate.dialects.mysql.rows_values import differs
from lockgate.dialects.mysql.session import MysqlSession, number_of
from lockgate.dialects.row_changes import Sampler
from lockgate.seeds.rows import Counts, RowChange, TableShape
from lockgate.seeds.spec import OnChange

_numbers = itertools.count(1)
_PLACE = "lockgate_row"
_SHOWN_ROWS = 10  # of a key that stands in the file again and again
_KEY_TOO_LONG = (1071, 1170)  # a text has no length that an index could have


def make_stage(session: MysqlSession, shape: TableShape, columns: Sequence[str], key: Sequence[str]) -> MysqlStage:
    """Make an empty temporary table with the file's columns, in the target's types, character sets and collations."""
    name = f"lockgate_stage_{next(_numbers)}"
    names = ", ".join(map(quoted, columns))
    session.execute(
        f"create temporary table {name} ({_PLACE} bigint not null auto_increment primary key) engine = InnoDB"
        f" as select {names} from {sql_name(shape.table)} where 1 = 0"
    )
    return MysqlStage(session, shape, tuple(columns), tuple(key), name)


class MysqlStage:
    """
    See `lockgate.dialects.rows.Stage`.

    MySQL reads a temporary table no more than once in a statement, so no query here names one twice. A rollback empties it, and it
    is gone with the connection.
    """

    def __init__(self, session: MysqlSession, shape: TableShape, columns: tuple[str, ...], key: tuple[str, ...], name: str) -> None:
        self.session, self.name = session, name
        self._columns, self._key = columns, key
        self._table, self._target = shape.table, sql_name(shape.table)
        self._rules = {column.name: differs(session, column) for column in shape.columns}
        self._bytes = {column.name for column in shape.columns if column.kind == "bytes"}
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
        self.session.execute(
            f"create temporary table {self._differences} (place bigint not null primary key) engine = InnoDB"
            f" as select s.{_PLACE} as place, {new} as is_new {joined} where {different}"
        )
        staged, there = self._number(f"count(*) from {self.name}"), self._number(f"count(*) from {self._target}")
        fresh = self._number(f"coalesce(sum(is_new), 0) from {self._differences}")
        changed = self._number(f"count(*) from {self._differences}") - fresh
        # The key is unique in the table: as many of its rows are known as rows of the file were not new.
        return Counts(fresh, changed, staged - fresh - changed, max(there - (staged - fresh), 0))

    def _number(self, what: str) -> int:
        return int(str(self.session.execute(f"select {what}")[0][0]))

    def duplicates(self) -> tuple[dict[str, str], tuple[int, ...]] | None:
        """Return the first key that stands in the file twice, as text, and the numbers of its first rows."""
        keys = ", ".join(f"s.{quoted(column)}" for column in self._key)
        shown = ", ".join(self._cell(f"min(s.{quoted(column)})") for column in self._key)
        rows = self.session.execute(
            f"select {shown}, group_concat(s.{_PLACE} order by s.{_PLACE}) from {self.name} s"
            f" group by {keys} having count(*) > 1 order by min(s.{_PLACE}) limit 1"
        )
        if not rows:
            return None
        *values, numbers = rows[0]
        places = str(numbers).split(",")[:_SHOWN_ROWS]
        return dict(zip(self._key, map(str, values), strict=True)), tuple(self._place(int(place)) for place in places)

    def _place(self, value: int) -> int:
        """The number of a row: a counter of the server's may leave gaps between two loads."""
        return self._number(f"count(*) from {self.name} where {_PLACE} <= {value}")

    def orphan(self) -> Orphan | None:
        """Return the first row whose parent is missing."""
        search = Search(f"{self.name} z", f"z.{_PLACE}", self._table, self._columns, sql_name, quoted, self._cell, self.session.execute)
        return search.first(foreign_keys(self.session, self._table))

    def sample(self, kind: str, limit: int) -> Sequence[RowChange]:
        """Return the first rows of a kind, by key."""
        self.compare()
        found = f"from {self.name} s join {self._differences} d on d.place = s.{_PLACE}"
        sources = {
            "new": f"{found} where d.is_new",
            "changed": f"{found} join {self._target} t on {self._on} where not d.is_new",
            "unknown": f"from {self._target} t where {self._unknown}",
        }
        sampler = Sampler(self._columns, self._key, self._cell, self._differs, quoted)
        return sampler.read(kind, self.session.execute(sampler.select(kind, sources[kind], limit)))

    def _cell(self, value: str) -> str:
        if any(quoted(name) in value for name in self._bytes):
            return f"concat(char(92 using utf8mb4), 'x', lower(hex({value})))"
        return f"cast({value} as char)"

    def write(self, on_change: OnChange, delete_unknown: bool) -> int:
        """Delete, update, insert, in this order: a row that goes may hold a value that another unique key wants."""
        counts = self.compare()
        deleted = self._delete() if delete_unknown and counts.unknown else 0
        if counts.changed and self._others and on_change is OnChange.UPDATE:
            self._update()
        if counts.new:
            self._insert()
        return deleted

    def _delete(self) -> int:
        import pymysql

        try:  # only the search for unknown rows looks into the stage by key
            self.session.execute(f"create index lockgate_key on {self.name} ({', '.join(map(quoted, self._key))})")
        except pymysql.err.Error as error:
            if number_of(error) not in _KEY_TOO_LONG:
                raise
        return self.session.write(f"delete t from {self._target} t where {self._unknown}")

    def _update(self) -> None:
        values = ", ".join(f"t.{quoted(column)} = s.{quoted(column)}" for column in self._others)
        joined = f"{self._target} t join {self.name} s on {self._on} join {self._differences} d on d.place = s.{_PLACE}"
        self.session.write(f"update {joined} set {values} where not d.is_new")

    def _insert(self) -> None:
        names = ", ".join(map(quoted, self._columns))
        values = ", ".join(f"s.{quoted(column)}" for column in self._columns)
        source = f"from {self.name} s join {self._differences} d on d.place = s.{_PLACE} where d.is_new order by s.{_PLACE}"
        self.session.write(f"insert into {self._target} ({names}) select {values} {source}")

    def _differs(self, column: str) -> str:
        return self._rules[column].format(f"t.{quoted(column)}", f"s.{quoted(column)}")
