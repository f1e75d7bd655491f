"""A SQLite file, copied into a scratch file as it is: with its rows, unless it is large."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from lockgate.dialects.sqlite.catalog import quoted, user_tables
from lockgate.dialects.sqlite.session import open_session
from lockgate.errors import Unreachable
from lockgate.hazards.effects import COPY, SCHEMA, Size
from lockgate.permit import Session
from lockgate.secret import DatabaseUrl

WITH_ROWS_UP_TO = 1 << 30  # bytes; writers of the original wait while it is copied
_OURS = "tbl_name like 'lockgate\\_%' escape '\\'"
_ORDER = "case type when 'table' then 0 when 'index' then 1 when 'view' then 2 else 3 end, rowid"
_OBJECTS = f"select type, name, sql from sqlite_master where sql is not null and name not like 'sqlite\\_%' escape '\\' and not {_OURS} order by {_ORDER}"
# Pages by table, each index under its own name. Source: sqlite.org/dbstat.html; not every SQLite is built with it.
_PAGES = """
select m.tbl_name, sum(case m.type when 'table' then s.pgsize else 0 end), sum(case m.type when 'index' then s.pgsize else 0 end)
  from dbstat s join sqlite_master m on m.name = s.name where s.aggregate = true group by 1
"""
_ANALYSED = "select tbl, max(cast(stat as integer)) from sqlite_stat1 group by 1"  # the first number is that of rows; sqlite.org/fileformat2.html
_INDEXES = "select tbl_name, count(*) from sqlite_master where type = 'index' group by 1"


def copy(source: DatabaseUrl, scratch: DatabaseUrl, patience: float) -> str:
    """
    Copy a file into a scratch file that has our marker, which stays.

    Returns:
        `COPY` with rows, `SCHEMA` where the file is too large for that, or there is too little room.
    Raises:
        Unreachable: `no-plan`, also where another process is writing for all of `patience`, in seconds.
    """
    try:
        with (
            open_session(source, patience, write=False) as original,
            closing(sqlite3.connect(scratch.database, isolation_level=None)) as other,
        ):
            other.execute("pragma synchronous = off")  # a copy that a power cut damages is not missed
            pages, page, _ = (original.execute(f"pragma {name}")[0][0] for name in ("page_count", "page_size", "schema_version"))
            size = int(str(pages)) * int(str(page))
            if size <= min(WITH_ROWS_UP_TO, shutil.disk_usage(Path(scratch.database).parent).free // 2):
                _copy_all(original.connection, other)
                return COPY
            for statement in _statements(original):
                other.execute(statement)
            return SCHEMA
    except sqlite3.Error as error:
        what = f"the file cannot be copied: {error}"
        raise Unreachable("no-plan", what, source.place, "wait until nobody writes to it, or look at it: sqlite3 FILE 'pragma integrity_check'") from error


def sizes(session: Session, *, counts: bool) -> tuple[Size, ...]:
    """
    Read how large tables are.

    Args:
        counts: every page may be read, as nobody waits; else rows are those of the last ANALYZE or as many as the largest rowid allows
            (-1 where there is neither), and bytes are shares of the file by rows.
    """
    pages = int(str(session.execute("pragma page_count")[0][0])) * int(str(session.execute("pragma page_size")[0][0]))
    rows = _counted(session) if counts else _estimated(session, pages)
    shared = {name: (pages * max(number, 0) // (sum(max(each, 0) for each in rows.values()) or 1), 0) for name, number in rows.items()}
    found = (_bytes(session) if counts else {}) or shared
    indexes = {str(name): int(str(number)) for name, number in session.execute(_INDEXES)}
    every = [
        Size(path=f"main.{name}", rows=number, heap_bytes=found[name][0], index_bytes=found[name][1], indexes=indexes.get(name, 0))
        for name, number in rows.items()
        if name in found
    ]
    return tuple(sorted(every, key=lambda size: (-size.heap_bytes, size.path)))


def _counted(session: Session) -> dict[str, int]:
    return {name: int(str(session.execute(f"select count(*) from {quoted(name)}")[0][0])) for name in user_tables(session)}


def _estimated(session: Session, most: int) -> dict[str, int]:
    """Rows as far as a few pages tell; rowids may have been chosen at random, so no more than there are bytes."""
    analysed = {}
    if session.execute("select 1 from sqlite_master where name = 'sqlite_stat1'"):
        analysed = {str(name): int(str(number)) for name, number in session.execute(_ANALYSED)}
    return {name: analysed.get(name) or _below_rowid(session, name, most) for name in user_tables(session)}


def _below_rowid(session: Session, name: str, most: int) -> int:
    if session.execute("select 1 from sqlite_master where name = :name and sql like 'create virtual%'", {"name": name}):
        return -1  # who knows what it reads for that
    try:
        return min(int(str(session.execute(f"select coalesce(max(_rowid_), 0) from {quoted(name)}")[0][0])), most)
    except sqlite3.OperationalError:
        return -1  # WITHOUT ROWID


def _bytes(session: Session) -> dict[str, tuple[int, int]]:
    try:
        return {str(name): (int(str(heap)), int(str(index))) for name, heap, index in session.execute(_PAGES)}
    except sqlite3.OperationalError:
        return {}


def _copy_all(original: sqlite3.Connection, copy: sqlite3.Connection) -> None:
    ours = list(_ours(copy))
    original.backup(copy)
    for (name,) in copy.execute(f"select name from sqlite_master where type = 'table' and {_OURS}").fetchall():
        copy.execute(f"drop table {quoted(name)}")
    for statement, rows in ours:
        copy.execute(statement)
        for table, row in rows:
            copy.execute(f"insert into {quoted(table)} values ({', '.join('?' * len(row))})", row)


def _ours(copy: sqlite3.Connection) -> Iterator[tuple[str, list[tuple[str, tuple[object, ...]]]]]:
    """Yield the statements that make our registry, each table with its rows."""
    for kind, name, statement in copy.execute(f"select type, name, sql from sqlite_master where sql is not null and {_OURS} order by {_ORDER}").fetchall():
        rows = copy.execute(f"select * from {quoted(name)}").fetchall() if kind == "table" else []
        yield statement, [(name, row) for row in rows]


def _statements(session: Session) -> Iterator[str]:
    """Yield what makes the schema again; a virtual table makes its shadow tables itself."""
    objects = [(str(name), str(sql)) for _, name, sql in session.execute(_OBJECTS)]
    virtual = tuple(f"{name}_" for name, sql in objects if sql.lower().startswith("create virtual table"))
    yield from (sql for name, sql in objects if not virtual or not name.startswith(virtual))
