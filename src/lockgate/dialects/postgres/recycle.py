"""
Giving a copy of a template back to the state of its template, with proof.

The proof rests on row versions: a copy has the very rows of its template, and whatever is written later carries a newer
transaction number. So a table is as it was if it has as many rows as before and none is newer than the copy
(PostgreSQL manual, 5.6 System Columns: xmin). The whole catalog is held to that; newer rows of pg_class are compared by their
columns, because TRUNCATE and REINDEX write there and change no schema.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, cast

from lockgate.dialects.postgres.session import connect, facts
from lockgate.dialects.postgres.template_picture import CLASSES, OUTSIDE, READS_SEQUENCES_SINCE, Picture, lasting, read_sequences
from lockgate.secret import DatabaseUrl

_OTHERS = """
select count(pg_catalog.pg_terminate_backend(pid)) from pg_catalog.pg_stat_activity
 where datname = pg_catalog.current_database() and pid <> pg_catalog.pg_backend_pid() and backend_type <> 'autovacuum worker'
"""
_LONGEST_GOODBYE_S = 2.0
_LARGEST_LEFTOVER = 4 << 20  # bytes of a table; beyond this a new copy is cheaper than deleting and the bloat that stays


class PostgresRecycler:
    """
    One copy, over a connection that stays open between tests; see `Recycler`.

    Args:
        since: the first transaction number that was free when the copy was complete.
    """

    def __init__(self, url: DatabaseUrl, timeout: float, since: int, picture: Picture) -> None:
        self._connection = connect(url, timeout)
        self._since = since
        self._picture = picture
        self._replica = self._connection.info.parameter_status("is_superuser") == "on"
        self._connection.autocommit = True

    def recycle(self) -> bool:
        """See `Recycler`."""
        if self._since >> 32:
            return False  # transaction numbers have come round: "newer" is not certain any more
        try:
            if not self._alone():
                return False
            with self._connection.transaction():
                self._connection.execute("set local row_security = off")
                if self._replica:
                    self._connection.execute("set local session_replication_role = replica")
                return self._schema_is_as_before() and self._rows_are_as_before() and self._set_sequences_back()
        except Exception as error:
            if facts(error) is None and not self._connection.closed:
                raise
            return False

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _alone(self) -> bool:
        give_up = time.monotonic() + _LONGEST_GOODBYE_S
        pause = 0.0005
        while int(self._ask(_OTHERS)[0][0]):
            if time.monotonic() > give_up:
                return False
            time.sleep(pause)
            pause = min(pause * 2, 0.02)
        return True

    def _schema_is_as_before(self) -> bool:
        picture, names = self._picture, list(self._picture.catalogs)
        found = self._ask(_union(names, self._since), prepare=True)
        changed = {names[number] for number, rows, newer in found if newer or int(rows) != picture.catalogs[names[number]]}
        if changed == {"pg_class"} and self._ask(CLASSES, prepare=True)[0][0] == picture.classes:
            changed = set()
        return not changed and self._ask(OUTSIDE, prepare=True)[0][0] == picture.outside

    def _rows_are_as_before(self) -> bool:
        picture = self._picture
        dirty = self._dirty([oid for oid, _ in picture.empty])
        if any(size > _LARGEST_LEFTOVER for size in dirty.values()):
            return False
        emptied = [name for oid, name in picture.empty if oid in dirty]
        filled = [name for name, kind, _ in picture.filled if kind == "r"]
        deletes = [f"delete from only {name}" for name in emptied]
        deletes += [f"delete from only {name} where {_newer(self._since)}" for name in filled]
        if deletes:
            # One statement, so that foreign keys are checked when all rows are gone.
            parts = ", ".join(f"d{number} as ({sql})" for number, sql in enumerate(deletes))
            self._ask(f"with {parts} select 1")
        left = [f"select 1 from only {name}" for name in emptied]
        if left and self._ask(" union all ".join(f"({sql} limit 1)" for sql in left)):
            return False
        found = self._ask(_union([name for name, _, _ in picture.filled], self._since)) if picture.filled else []
        return [(int(rows), int(fresh)) for _, rows, fresh in found] == [(rows, 0) for _, _, rows in picture.filled]

    def _set_sequences_back(self) -> bool:
        """Set every sequence back that was used; they are outside of transactions."""
        moved = self._picture.sequences
        version = self._connection.info.server_version
        if moved and version >= READS_SEQUENCES_SINCE:
            moved = tuple(sorted(set(moved) - set(read_sequences(lambda sql: self._ask(sql, prepare=True), version))))
        if moved:
            values = ", ".join(f"({oid}::oid::regclass, {value}::int8, {called})" for oid, value, called in moved)
            self._ask(f"select pg_catalog.setval(s, v, c) from (values {values}) moved (s, v, c)")
        return True

    def _dirty(self, oids: Sequence[int]) -> dict[int, int]:
        sql = "select o, pg_catalog.pg_relation_size(o::oid) from pg_catalog.unnest(%s::int8[]) o where pg_catalog.pg_relation_size(o::oid) > 0"
        return {int(oid): int(size) for oid, size in self._ask(sql, [list(oids)], prepare=True)}

    def _ask(self, sql: str, values: Sequence[object] = (), *, prepare: bool | None = None) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(cast("Any", sql), values or None, prepare=prepare)
        return cursor.fetchall() if cursor.description else []


def _newer(since: int) -> str:
    return f"pg_catalog.age(xmin) <= pg_catalog.age('{since % (1 << 32)}'::xid)"


def _union(names: Sequence[str], since: int) -> str:
    parts = [f"select {number}, count(*), count(*) filter (where {_newer(since)}) from only {name} where {lasting(name)}" for number, name in enumerate(names)]
    return " union all ".join(parts) + " order by 1"
