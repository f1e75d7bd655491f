"""The shape of a SQLite table, read by its pragmas."""

from __future__ import annotations

import itertools

from lockgate.dialects.foreign_keys import ForeignKey
from lockgate.dialects.sqlite.catalog import quoted
from lockgate.permit import Session
from lockgate.seeds.rows import Column, TableShape
from lockgate.seeds.spec import TableName

_TABLE = "select name from main.sqlite_master where type = 'table' and name = :name collate nocase"
_COLUMNS = "select name, type, \"notnull\", pk, hidden from pragma_table_xinfo(:name, 'main') where hidden <> 1 order by cid"
_KEYS = "select name from pragma_index_list(:name, 'main') where \"unique\" and origin <> 'pk' and not partial order by name"
_KEY_COLUMNS = "select name from pragma_index_info(:name, 'main') order by seqno"
_PARENTS = "select distinct \"table\" from pragma_foreign_key_list(:name, 'main') order by 1"
_CHILDREN = """
select distinct m.name from main.sqlite_master m join pragma_foreign_key_list(m.name, 'main') f
 where m.type = 'table' and f."table" = :name collate nocase
"""
_FOREIGN_KEYS = 'select id, "table", "from", "to" from pragma_foreign_key_list(:name, \'main\') order by id, seq'
_COLLATIONS = """
select x.name, x.coll from pragma_index_list(:name, 'main') l join pragma_index_xinfo(l.name, 'main') x
 where l."unique" and not l.partial and x.key and x.name is not null order by l.origin <> 'pk', l.name
"""
# Part of the declared type -> kind; the first that fits. SQLAlchemy's names come before SQLite's own rules of affinity
# (sqlite.org, Datatypes In SQLite, 3.1), by which BOOLEAN, DATE and JSON would be numbers.
_KINDS = (
    ("JSON", "json"),
    ("BOOL", "boolean"),
    ("DATE", "other"),
    ("TIME", "other"),
    ("UUID", "other"),
    ("INT", "number"),
    *((word, "text") for word in ("CHAR", "CLOB", "TEXT", "STRING")),
    *((word, "bytes") for word in ("BLOB", "BINARY", "BYTEA")),
    *((word, "number") for word in ("REAL", "FLOA", "DOUB", "NUM", "DEC")),
)


def sql_name(table: TableName) -> str:
    """Return a table's name as SQL, quoted, never one of a temporary table."""
    return f"main.{quoted(table.name)}"


def read_shape(session: Session, table: TableName) -> TableShape | None:
    """Read a table's shape; None for a schema other than `main`, for views and for nothing."""
    found = session.execute(_TABLE, {"name": table.name}) if table.schema in ("", "main") else []
    if not found:
        return None
    name = {"name": found[0][0]}
    rows = session.execute(_COLUMNS, name)
    columns = tuple(_column(str(column), str(shown), bool(needed or place), bool(hidden)) for column, shown, needed, place, hidden in rows)
    needed = {column.name for column in columns if not column.nullable}
    keys = [_names(session, _KEY_COLUMNS, {"name": index}) for index in _names(session, _KEYS, name)]
    return TableShape(
        table=TableName(str(name["name"])),
        columns=columns,
        primary=tuple(str(row[0]) for row in sorted(rows, key=lambda row: int(str(row[3]))) if row[3]),
        unique=tuple(key for key in keys if set(key) <= needed),  # a column of an expression has no name, and is not in the set
        parents=tuple(TableName(parent) for parent in _names(session, _PARENTS, name)),
    )


def children(session: Session, table: TableName) -> tuple[str, ...]:
    """Return the tables that refer to a table."""
    return _names(session, _CHILDREN, {"name": table.name})


def collations(session: Session, table: TableName) -> dict[str, str]:
    """Return by which collation each column of a unique key is compared; an integer key has none."""
    return {str(column): str(collation) for column, collation in reversed(session.execute(_COLLATIONS, {"name": table.name}))}


def foreign_keys(session: Session, table: TableName) -> list[ForeignKey]:
    """Read a table's foreign keys; one that names no columns of the parent means its primary key. Those without a parent are left out."""
    rows = session.execute(_FOREIGN_KEYS, {"name": table.name})
    found = []
    for _, group in itertools.groupby(rows, key=lambda row: row[0]):
        members = list(group)
        parent = read_shape(session, TableName(str(members[0][1])))
        if parent is not None:
            referred = tuple(str(row[3]) for row in members) if members[0][3] is not None else parent.primary
            found.append(ForeignKey(tuple(str(row[2]) for row in members), parent.table, referred))
    return found


def _names(session: Session, sql: str, params: dict[str, object]) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in session.execute(sql, params))


def _column(name: str, shown: str, needed: bool, hidden: bool) -> Column:
    # A column of the primary key counts as NOT NULL: SQLite would put a number, or a NULL, in place of a missing key.
    upper = shown.upper()
    kind = next((kind for word, kind in _KINDS if word in upper), "other")
    return Column(name, shown, kind, nullable=not needed, generated=hidden)
