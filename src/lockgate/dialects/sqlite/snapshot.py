"""
The schema of a SQLite file as a snapshot.

The PRAGMAs know most of it; collations, checks and names of constraints stand only in the text of CREATE TABLE, which
SQLite keeps as it was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from lockgate.dialects.sqlite import create_table as ddl
from lockgate.drift.items import Item, View
from lockgate.drift.snapshot import Snapshot, make_snapshot
from lockgate.drift.table_items import Column, Constraint, Index, Relation, Trigger
from lockgate.permit import Session
from lockgate.words import VersionTable

_OURS = "m.name not like 'sqlite\\_%' escape '\\' and m.tbl_name not like 'lockgate\\_%' escape '\\' and m.tbl_name <> :version_table"
_OBJECTS = f"select m.type, m.name, m.tbl_name, m.sql from sqlite_master m where {_OURS} and m.sql is not null order by m.name"
_COLUMNS = f"""
select m.name, x.name, x.type, x."notnull", x.dflt_value, x.hidden, x.pk
  from sqlite_master m join pragma_table_xinfo(m.name) x where m.type = 'table' and {_OURS} order by m.name, x.cid
"""
_FOREIGN_KEYS = f"""
select m.name, f.id, f."table", f."from", f."to", f.on_update, f.on_delete
  from sqlite_master m join pragma_foreign_key_list(m.name) f where m.type = 'table' and {_OURS} order by m.name, f.id, f.seq
"""
_INDEXES = f"""
select m.name, l.name, l.origin, x.name
  from sqlite_master m join pragma_index_list(m.name) l join pragma_index_info(l.name) x
 where m.type = 'table' and {_OURS} order by m.name, l.name, x.seqno
"""


def snapshot(session: Session, version_table: VersionTable, heads: tuple[str, ...]) -> Snapshot:
    """Read the schema in four queries; see `Dialect.snapshot`."""
    values: dict[str, object] = {"version_table": version_table.name}
    rows: Any = session.execute("select sqlite_version()")
    # The text of CREATE is the file's own: no release of SQLite 3 prints it in another way.
    server = str(rows[0][0]).partition(".")[0]
    objects: Any = session.execute(_OBJECTS, values)
    tables = {name: ddl.read(text) for kind, name, _, text in objects if kind == "table"}
    items: list[Item] = [Relation("", name, "table", options=table.options) for name, table in tables.items()]
    items += _columns(session, values, tables)
    items += _constraints(session, values, tables)
    items += _indexes(session, values, objects)
    items += [View("", name, ddl.flat(text), "view") for kind, name, _, text in objects if kind == "view"]
    items += [Trigger("", table, name, ddl.flat(text)) for kind, name, table, text in objects if kind == "trigger"]
    return make_snapshot(items, product="sqlite", server=server, heads=heads, alters=False)


def _columns(session: Session, values: dict[str, object], tables: dict[str, ddl.CreateTable]) -> Iterator[Item]:
    rows: Any = session.execute(_COLUMNS, values)
    for table, name, kind, not_null, default, hidden, _ in rows:
        if hidden != 1:  # 1: a virtual table's own
            told = tables[table].columns.get(name.lower(), ddl.ColumnText())
            yield Column("", table, name, kind, bool(not_null), default or "", told.autoincrement, told.generated, told.collation)


def _constraints(session: Session, values: dict[str, object], tables: dict[str, ddl.CreateTable]) -> Iterator[Item]:
    rows: Any = session.execute(_COLUMNS, values)
    for table, found in groupby(rows, lambda row: row[0]):
        columns = tuple(name for _, name in sorted((row[6], row[1]) for row in found if row[6]))
        if columns:
            yield _constraint(tables[table], table, "primary key", f"PRIMARY KEY ({', '.join(columns)})", columns)
    rows = session.execute(_FOREIGN_KEYS, values)
    for (table, _), found in groupby(rows, lambda row: row[:2]):
        yield _foreign_key(tables[table], table, list(found))
    rows = session.execute(_INDEXES, values)
    for (table, _, origin), found in groupby(rows, lambda row: row[:3]):
        if origin == "u":
            columns = tuple(row[3] for row in found)
            yield _constraint(tables[table], table, "unique", f"UNIQUE ({', '.join(columns)})", columns)
    for table, told in tables.items():
        for name, text, columns in told.checks:
            yield Constraint("", table, name or text, "check", text, columns)


def _foreign_key(told: ddl.CreateTable, table: str, rows: list[Any]) -> Constraint:
    columns, targets = tuple(row[3] for row in rows), [row[4] for row in rows if row[4]]
    _, _, parent, _, _, on_update, on_delete = rows[0]
    text = f"FOREIGN KEY ({', '.join(columns)}) REFERENCES {parent}" + (f" ({', '.join(targets)})" if targets else "")
    text += f" ON UPDATE {on_update}" if on_update != "NO ACTION" else ""
    text += f" ON DELETE {on_delete}" if on_delete != "NO ACTION" else ""
    return _constraint(told, table, "foreign key", text, columns)


def _constraint(told: ddl.CreateTable, table: str, kind: str, text: str, columns: tuple[str, ...]) -> Constraint:
    """SQLite needs no name for a constraint; its definition stands in for it then."""
    return Constraint("", table, told.name_of(kind, columns) or text, kind, text, columns)


def _indexes(session: Session, values: dict[str, object], objects: Any) -> Iterator[Item]:
    rows: Any = session.execute(_INDEXES, values)
    columns = {name: tuple(row[3] for row in found if row[3]) for name, found in groupby(rows, lambda row: row[1])}
    for kind, name, table, text in objects:
        if kind == "index":
            yield Index("", table, name, ddl.flat(text), columns.get(name, ()))
