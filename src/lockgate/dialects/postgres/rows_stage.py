"""A file in a temporary table: compared with its target in one query, then written row by row where they differ."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import cast

from lockgate.dialects.foreign_keys import ForeignKey
from lockgate.dialects.joined_stage import SHOWN_ROWS, JoinedStage
from lockgate.dialects.postgres.empty import quoted
from lockgate.dialects.postgres.own_names import own_names
from lockgate.dialects.postgres.rows_shape import foreign_keys, sql_name
from lockgate.dialects.postgres.rows_values import comparable
from lockgate.dialects.postgres.session import PostgresSession
from lockgate.permit import Session
from lockgate.seeds.rows import TableShape

_numbers = itertools.count(1)
_MEMORY_KB = 65536  # for the join; a server's default of 4 MB writes the larger half to disk and reads it again
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


class PostgresStage(JoinedStage):
    """
    See `lockgate.dialects.rows.Stage`.

    A row's number is its place: COPY into a table of its own transaction appends, page after page, and does not look for free
    space (TABLE_INSERT_SKIP_FSM in PostgreSQL's CopyFrom), so `ctid` is the order of the file. The comparison leaves a second
    temporary table, with the places of the rows that differ, for `sample()` and `write()`.
    """

    place = "ctid"
    _quoted = staticmethod(quoted)
    _table_sql = staticmethod(sql_name)

    def __init__(self, session: Session, shape: TableShape, columns: tuple[str, ...], key: tuple[str, ...], name: str) -> None:
        super().__init__(shape.table, sql_name(shape.table), columns, key, name, session.execute)
        self._session = session
        self._rows = 0
        self._walks = False  # along a unique index of the file's keys
        self._same = comparable(session, shape)
        self._always = [column.name for column in shape.columns if column.identity == "always"]

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

    def _note_differences(self, select: str) -> None:
        name = self._differences.removeprefix("pg_temp.")
        # The planner does not know that both walks read neighbouring pages, and would hash.
        with self._setting("enable_hashjoin", "off") if self._walks else nullcontext():
            self._session.execute(f"create temp table {name} on commit drop as {select}")

    def _numbers(self) -> tuple[int, int, int, int]:
        sql = f"select (select count(*) from {self._target}), count(*) filter (where is_new), count(*) filter (where not is_new)"
        there, fresh, changed = (int(str(number)) for number in self._session.execute(f"{sql} from {self._differences}")[0])
        return self._rows, there, fresh, changed

    def duplicates(self) -> tuple[dict[str, str], tuple[int, ...]] | None:
        """Return the first key that stands in the file twice, as text, and the numbers of its first rows."""
        keys = self._list(self._key)
        if self._walks or not self._has_duplicates(keys):
            return None
        numbered = f"select {keys}, row_number() over (order by ctid) as number from {self.name}"
        names = ", ".join(f"{quoted(column)}::pg_catalog.text" for column in self._key)
        sql = f"select {names}, (array_agg(number order by number))[1:{SHOWN_ROWS}] from ({numbered}) s"
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

    def _foreign_keys(self) -> Sequence[ForeignKey]:
        return foreign_keys(self._session, self._table)

    def _delete(self) -> int:
        return self._run(f"delete from {self._target} t where {self._unknown}")

    def _update(self) -> None:
        source = f"{self._found} and not d.is_new"
        values = ", ".join(f"{quoted(column)} = s.{quoted(column)}" for column in self._others if not self._stays(column, source))
        self._run(f"update {self._target} t set {values} {source} where {self._on}")

    def _stays(self, column: str, source: str) -> bool:
        """Whether a GENERATED ALWAYS column has its value already: the server takes no UPDATE of one, not even to the same value."""
        if column not in self._always:
            return False
        joined = f"{source} join {self._target} t on {self._on} where {self._differs(column)}"
        return not self._session.execute(f"select 1 {joined} limit 1")

    def _insert(self) -> None:
        # In the file's order: a serial column that the file leaves out counts along it.
        source = f"{self._found} and d.is_new order by s.ctid"
        names, values = self._list(self._columns), self._list(self._columns, "s.")
        self._run(f"insert into {self._target} ({names}) overriding system value select {values} {source}")

    def _run(self, sql: str) -> int:
        return int(cast(PostgresSession, self._session).connection.execute(sql.encode()).rowcount)

    def _differs(self, column: str) -> str:
        same = self._same[column]
        return f"{same.format('t.' + quoted(column))} is distinct from {same.format('s.' + quoted(column))}"

    def _cell(self, value: str) -> str:
        return f"{value}::pg_catalog.text"
