"""A file in a temporary table of MariaDB or MySQL: compared with its target, then written where they differ."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from lockgate.dialects.foreign_keys import ForeignKey
from lockgate.dialects.joined_stage import SHOWN_ROWS, JoinedStage
from lockgate.dialects.mysql.catalog import quoted
from lockgate.dialects.mysql.rows_shape import foreign_keys, sql_name
from lockgate.dialects.mysql.rows_values import differs
from lockgate.dialects.mysql.session import MysqlSession, number_of
from lockgate.seeds.rows import TableShape

_numbers = itertools.count(1)
_KEY_TOO_LONG = (1071, 1170)  # a text has no length that an index could have


def make_stage(session: MysqlSession, shape: TableShape, columns: Sequence[str], key: Sequence[str]) -> MysqlStage:
    """Make an empty temporary table with the file's columns, in the target's types, character sets and collations."""
    name = f"lockgate_stage_{next(_numbers)}"
    names = ", ".join(map(quoted, columns))
    session.execute(
        f"create temporary table {name} ({MysqlStage.place} bigint not null auto_increment primary key) engine = InnoDB"
        f" as select {names} from {sql_name(shape.table)} where 1 = 0"
    )
    return MysqlStage(session, shape, tuple(columns), tuple(key), name)


class MysqlStage(JoinedStage):
    """
    See `lockgate.dialects.rows.Stage`.

    MySQL reads a temporary table no more than once in a statement, so no query here names one twice. A rollback empties it, and it
    is gone with the connection.
    """

    place = "lockgate_row"
    _quoted = staticmethod(quoted)
    _table_sql = staticmethod(sql_name)

    def __init__(self, session: MysqlSession, shape: TableShape, columns: tuple[str, ...], key: tuple[str, ...], name: str) -> None:
        super().__init__(shape.table, sql_name(shape.table), columns, key, name, session.execute)
        self.session = session
        self._rules = {column.name: differs(session, column) for column in shape.columns}
        self._bytes = {column.name for column in shape.columns if column.kind == "bytes"}

    def _note_differences(self, select: str) -> None:
        self.session.execute(f"create temporary table {self._differences} (place bigint not null primary key) engine = InnoDB as {select}")

    def _numbers(self) -> tuple[int, int, int, int]:
        staged, there = self._number(f"count(*) from {self.name}"), self._number(f"count(*) from {self._target}")
        fresh = self._number(f"coalesce(sum(is_new), 0) from {self._differences}")
        return staged, there, fresh, self._number(f"count(*) from {self._differences}") - fresh

    def _number(self, what: str) -> int:
        return int(str(self.session.execute(f"select {what}")[0][0]))

    def duplicates(self) -> tuple[dict[str, str], tuple[int, ...]] | None:
        """Return the first key that stands in the file twice, as text, and the numbers of its first rows."""
        shown = ", ".join(self._cell(f"min(s.{quoted(column)})") for column in self._key)
        rows = self.session.execute(
            f"select {shown}, group_concat(s.{self.place} order by s.{self.place}) from {self.name} s"
            f" group by {self._list(self._key, 's.')} having count(*) > 1 order by min(s.{self.place}) limit 1"
        )
        if not rows:
            return None
        *values, numbers = rows[0]
        places = str(numbers).split(",")[:SHOWN_ROWS]
        return dict(zip(self._key, map(str, values), strict=True)), tuple(self._row(int(place)) for place in places)

    def _row(self, place: int) -> int:
        """The number of a row: a counter of the server's may leave gaps between two loads."""
        return self._number(f"count(*) from {self.name} where {self.place} <= {place}")

    def _foreign_keys(self) -> Sequence[ForeignKey]:
        return foreign_keys(self.session, self._table)

    def _delete(self) -> int:
        import pymysql

        try:  # only the search for unknown rows looks into the stage by key
            self.session.execute(f"create index lockgate_key on {self.name} ({self._list(self._key)})")
        except pymysql.err.Error as error:
            if number_of(error) not in _KEY_TOO_LONG:
                raise
        return self.session.write(f"delete t from {self._target} t where {self._unknown}")

    def _update(self) -> None:
        values = ", ".join(f"t.{quoted(column)} = s.{quoted(column)}" for column in self._others)
        joined = f"{self._target} t join {self.name} s on {self._on} join {self._differences} d on d.place = s.{self.place}"
        self.session.write(f"update {joined} set {values} where not d.is_new")

    def _insert(self) -> None:
        source = f"{self._found} where d.is_new order by s.{self.place}"
        names, values = self._list(self._columns), self._list(self._columns, "s.")
        self.session.write(f"insert into {self._target} ({names}) select {values} {source}")

    def _cell(self, value: str) -> str:
        if any(quoted(name) in value for name in self._bytes):
            return f"concat(char(92 using utf8mb4), 'x', lower(hex({value})))"
        return f"cast({value} as char)"

    def _differs(self, column: str) -> str:
        return self._rules[column].format(f"t.{quoted(column)}", f"s.{quoted(column)}")
