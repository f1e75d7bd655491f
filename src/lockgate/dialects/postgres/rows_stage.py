"""A file in a temporary table: compared with its target in one query, then written row by row where they differ."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import cast

from lockgate.dialects.foreign_keys import Orphan, Search
from lockgate.dialects.postgres.empty import quoted
from lockgate.dialects.postgres.own_names import own_names
from lockgate.dialects.postgres.rows_shape import foreign_keys, sql_name
from lockgate.dialects.postgres.rows_values import comparable
from lockgate.dialects.postgres.session import PostgresSession
from lockgate.dialects.row_changes import Sampler
from lockgate.permit import Session
from lockgate.seeds.rows import Counts, RowChange, TableShape
from lockgate.seeds.spec import OnChange

_numbers = itertools.count(1)
_MEMORY_KB = 65536  # for the join; a server's default of 4 MB writes the larger half to disk and reads it again
_SHOWN_ROWS = 10  # of a key that stands in the file again and again
_MANY_ROWS = 100_000
_IN_ORDER = """
select count(*) = 2 from pg_catalog.pg_stats
 where attname = :key and correlation > 0.9
   and ((schemaname = :schema and tablename = :table)
        or (tablename = '{stage}' and schemaname = pg_catalog.pg_my_temp_schema()::pg_catalog.regnamespace::text))
"""
_AT_LEAST = """
select pg_catalog.set_config('work_mem', '{0}kB', true) from pg_catalog.pg_settings where name = 'work_mem' and setting::int < {0}
"""


def make_stage(session: Session, shape: TableShape, columns: Sequence[str], key: Sequence[str]) -> PostgresStage:
    """
    Make an empty temporary table with the file's columns, in the target's types and as NOT NULL as the target's.

    So a value that does not fit is refused by COPY, which knows the line, and not by the INSERT, which does not. It has no
    column for the row's number: see `PostgresStage`.
    """
    name = f"lockgate_stage_{next(_numbers)}"
    names = ", ".join(map(quoted, columns))
    session.execute(f"create temp table {name} on commit drop as select {names} from {sql_name(shape.table)} with no data")
    needed = [c.name for c in shape.columns if c.name in columns and (not c.nullable or c.name in key)]
    if needed:
        session.execute(f"alter table pg_temp.{name} " + ", ".join(f"alter {quoted(column)} set not null" for column in needed))
    return PostgresStage(session, shape, tuple(columns), tuple(key), f"pg_temp.{name}")


class PostgresStage:
    """
    See `lockgate.dialects.rows.Stage`.

    A row's number is its place: COPY into a table of its own transaction appends, page after page, and does not look for free
    space (TABLE_INSERT_SKIP_FSM in PostgreSQL's CopyFrom), so `ctid` is the order of the file. The comparison leaves a second
    temporary table, with the places of the rows that differ, for `sample()` and `write()`.
    """

    def __init__(self, session: Session, shape: TableShape, columns: tuple[str, ...], key: tuple[str, ...], name: str) -> None:
        self.name = name
        self._session, self._columns, self._key = session, columns, key
        self._table, self._target = shape.table, sql_name(shape.table)
        self._rows = 0
        self._walks = False  # along a unique index of the file's keys
        self._same = comparable(session, shape)
        self._others = [column for column in columns if column not in key]
        self._always = [column.name for column in shape.columns if column.identity == "always"]
        self._counts: Counts | None = None
        self._on = " and ".join(f"t.{quoted(column)} = s.{quoted(column)}" for column in key)
        self._unknown = f"not exists (select from {name} s where {self._on})"

    @property
    def _differences(self) -> str:
        return f"{self.name}_diff"

    def filled(self, rows: int) -> PostgresStage:
        """Tell the planner what was copied, by 300 rows' keys, and make an index where the join will walk along it."""
        with own_names(self._session):
            self._session.execute(_AT_LEAST.format(_MEMORY_KB))
        self._session.execute("set local jit = off")  # compiling the join takes as long as a tenth of it
        with self._setting("default_statistics_target", "1"):
            self._session.execute(f"analyze {self.name} ({self._list(self._key)})")
        self._rows = rows
        if rows >= _MANY_ROWS and len(self._key) == 1 and self._both_in_order():
            self._walks = self._indexed()
        return self

    def _indexed(self) -> bool:
        """Index the key, which proves on the way that it stands nowhere twice; False, and no index, where it does."""
        import psycopg

        self._session.execute("savepoint lockgate_index")
        try:
            self._session.execute(f"create unique index on {self.name} ({self._list(self._key)})")
        except psycopg.errors.UniqueViolation:
            self._session.execute("rollback to savepoint lockgate_index")
            return False
        self._session.execute("release savepoint lockgate_index")
        return True

    def _both_in_order(self) -> bool:
        """Whether file and table lie in the order of the key: two walks side by side then need a fifth less than a hash (measured)."""
        name, params = self.name.removeprefix("pg_temp."), {"key": self._key[0], "schema": self._table.schema, "table": self._table.name}
        with own_names(self._session):
            return bool(self._session.execute(_IN_ORDER.format(stage=name), params)[0][0])

    @contextmanager
    def _setting(self, name: str, value: str) -> Iterator[None]:
        before = self._session.execute(f"show {name}")[0][0]
        self._session.execute(f"set local {name} = {value}")
        yield
        self._session.execute(f"set local {name} = {before}")

    def compare(self) -> Counts:
        """
        Compare by key, in one query, and remember the differences.

        Rows whose key stands in the file twice are counted twice: ask `duplicates()` first.
        """
        if self._counts is None:
            self._counts = self._compared()
        return self._counts

    def _compared(self) -> Counts:
        left = f"from {self.name} s left join {self._target} t on {self._on}"
        new = f"t.{quoted(self._key[0])} is null"  # a key column is never NULL
        different = " or ".join([new, *map(self._differs, self._others)])
        name = self._differences.removeprefix("pg_temp.")
        # The planner does not know that both walks read neighbouring pages, and would hash.
        with self._setting("enable_hashjoin", "off") if self._walks else nullcontext():
            self._session.execute(
                f"create temp table {name} on commit drop as select s.ctid as place, {new} as is_new {left} where {different}"
            )
        sql = f"select (select count(*) from {self._target}), count(*) filter (where is_new), count(*) filter (where not is_new)"
        there, fresh, changed = (int(str(number)) for number in self._session.execute(f"{sql} from {self._differences}")[0])
        # The key is unique in the table: as many of its rows are known as rows of the file were not new.
        return Counts(fresh, changed, self._rows - fresh - changed, max(there - (self._rows - fresh), 0))

    def duplicates(self) -> tuple[dict[str, str], tuple[int, ...]] | None:
        """Return the first key that stands in the file twice, as text, and the numbers of its first rows."""
        keys = self._list(self._key)
        if self._walks or not self._has_duplicates(keys):
            return None
        numbered = f"select {keys}, row_number() over (order by ctid) as number from {self.name}"
        names = ", ".join(f"{quoted(column)}::pg_catalog.text" for column in self._key)
        sql = f"select {names}, (array_agg(number order by number))[1:{_SHOWN_ROWS}] from ({numbered}) s"
        *values, numbers = self._session.execute(f"{sql} group by {keys} having count(*) > 1 order by min(number) limit 1")[0]
        return dict(zip(self._key, map(str, values), strict=True)), tuple(cast("list[int]", numbers))

    def _has_duplicates(self, keys: str) -> bool:
        # Sorting one column that is in order already costs a third of hashing it (measured: 0.17 against 0.5 s for 10^6 integers).
        if len(self._key) == 1:
            counted = self._session.execute(f"select count(*) > count(distinct {self._same[self._key[0]].format(keys)}) from {self.name}")
            return bool(counted[0][0]) or self._vague(keys)
        return self._grouped(keys)

    def _vague(self, keys: str) -> bool:
        """A key whose own equality is wider than letter by letter (`citext`) must be unique by its own."""
        return self._same[self._key[0]] != "{}" and self._grouped(keys)

    def _grouped(self, keys: str) -> bool:
        return bool(self._session.execute(f"select 1 from {self.name} group by {keys} having count(*) > 1 limit 1"))

    def orphan(self) -> Orphan | None:
        """Return the first row whose parent is missing."""
        cell = "{}::pg_catalog.text".format
        search = Search(self.name, "ctid", self._table, self._columns, sql_name, quoted, cell, self._session.execute)
        return search.first(foreign_keys(self._session, self._table))

    def sample(self, kind: str, limit: int) -> Sequence[RowChange]:
        """Return the first rows of a kind, by key; values as the server prints them."""
        self.compare()
        found = f"from {self.name} s join {self._differences} d on d.place = s.ctid"
        sources = {
            "new": f"{found} where d.is_new",
            "changed": f"{found} join {self._target} t on {self._on} where not d.is_new",
            "unknown": f"from {self._target} t where {self._unknown}",
        }
        sampler = Sampler(self._columns, self._key, "{}::pg_catalog.text".format, self._differs, quoted)
        return sampler.read(kind, self._session.execute(sampler.select(kind, sources[kind], limit)))

    def write(self, on_change: OnChange, delete_unknown: bool) -> int:
        """
        Delete, update, insert, in this order: a row that goes may hold a value that another unique key wants.

        Rows are found by key again, not by place: others may have written the table since, and a place may be taken by another row.
        """
        counts = self.compare()
        deleted = self._delete() if delete_unknown and counts.unknown else 0
        if counts.changed and self._others and on_change is OnChange.UPDATE:
            self._update()
        if counts.new:
            self._insert()
        return deleted

    def _delete(self) -> int:
        return self._run(f"delete from {self._target} t where {self._unknown}")

    def _update(self) -> int:
        source = f"from {self.name} s join {self._differences} d on d.place = s.ctid and not d.is_new"
        values = ", ".join(f"{quoted(column)} = s.{quoted(column)}" for column in self._others if not self._stays(column, source))
        return self._run(f"update {self._target} t set {values} {source} where {self._on}")

    def _stays(self, column: str, source: str) -> bool:
        """Whether a GENERATED ALWAYS column has its value already: the server takes no UPDATE of one, not even to the same value."""
        if column not in self._always:
            return False
        joined = f"{source} join {self._target} t on {self._on} where {self._differs(column)}"
        return not self._session.execute(f"select 1 {joined} limit 1")

    def _insert(self) -> int:
        names = self._list(self._columns)
        source = f"from {self.name} s join {self._differences} d on d.place = s.ctid and d.is_new"
        # In the file's order: a serial column that the file leaves out counts along it.
        order = "order by s.ctid"
        values = ", ".join(f"s.{quoted(column)}" for column in self._columns)
        return self._run(f"insert into {self._target} ({names}) overriding system value select {values} {source} {order}")

    def _run(self, sql: str) -> int:
        return int(cast(PostgresSession, self._session).connection.execute(sql.encode()).rowcount)

    def _differs(self, column: str) -> str:
        same = self._same[column]
        return f"{same.format('t.' + quoted(column))} is distinct from {same.format('s.' + quoted(column))}"

    @staticmethod
    def _list(columns: Sequence[str]) -> str:
        return ", ".join(map(quoted, columns))
