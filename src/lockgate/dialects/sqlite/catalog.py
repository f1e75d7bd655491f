"""What a SQLite file says of itself; creates nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence

from lockgate.dialects.sqlite.session import writable
from lockgate.permit import Session
from lockgate.words import Cluster, Sight, VersionTable

_AT_ONCE = 200  # tables; SQLite takes expressions of 1000 parts
_OBJECTS = """
select type, name from sqlite_master
 where name not like 'sqlite\\_%' escape '\\' and name not like 'lockgate\\_%' escape '\\' and type in ('table', 'view', 'trigger')
   and tbl_name not like 'lockgate\\_%' escape '\\'
 order by 2
"""


def look(session: Session, place: str, version_table: VersionTable | None) -> Sight:
    """Read everything that the guard, the route and the reports want to know of the catalog; see `Dialect.look`."""
    path = file_of(session) or place
    objects = [(str(kind), str(name)) for kind, name in session.execute(_OBJECTS)]
    wanted = (version_table or VersionTable()).name
    known = ("table", wanted) in objects
    heads = tuple(sorted(str(row[0]) for row in session.execute(f"select version_num from {quoted(wanted)}"))) if known else ()
    tables = tuple(name for kind, name in objects if kind == "table" and name != wanted)
    return Sight(
        place=path,
        exists=os.path.exists(path),
        server=f"SQLite {session.execute('select sqlite_version()')[0][0]}",
        cluster=cluster_of(path),
        objects=len(objects) - known,
        tables=tables,
        rows=_rows(session, tables),
        version_table=VersionTable(wanted) if known else None,
        heads=heads,
        writable=writable(path),
    )


def own_tables(session: Session) -> frozenset[str]:
    """Which tables the registry has; none before it is whole: env.py's driver commits each of its tables by itself."""
    found = session.execute("select name from sqlite_master where type = 'table' and name like 'lockgate\\_%' escape '\\'")
    names = frozenset(str(name).removeprefix("lockgate_") for (name,) in found)
    return names if names >= {"marker", "setting", "ledger"} else frozenset()


def user_tables(session: Session) -> list[str]:
    """Return the names of the user's tables, Alembic's among them."""
    return [str(name) for kind, name in session.execute(_OBJECTS) if kind == "table"]


def cluster_of(path: str) -> Cluster:
    """A moved file keeps its inode, a file restored in place keeps its path; a copy has neither. One that is not made yet has a path alone."""
    real = os.path.realpath(path)
    inode = str(os.stat(real).st_ino) if os.path.exists(real) else ""
    return Cluster("sqlite", inode, real, "real path and inode")


def file_of(session: Session) -> str:
    """The file that this session is really connected to; empty for an in-memory database."""
    rows = session.execute("select file from pragma_database_list where name = 'main'")
    return str(rows[0][0] or "") if rows else ""


def quoted(name: str) -> str:
    """Return an identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def _rows(session: Session, tables: Sequence[str]) -> int:
    total = 0
    for start in range(0, len(tables), _AT_ONCE):
        counts = (f"(select count(*) from {quoted(name)})" for name in tables[start : start + _AT_ONCE])
        total += int(str(session.execute(f"select {' + '.join(counts)}")[0][0]))
    return total
