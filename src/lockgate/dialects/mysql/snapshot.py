"""The schema of a MariaDB or MySQL database as a snapshot, read from information_schema."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from lockgate.dialects.mysql.catalog import NOT_OURS
from lockgate.drift.items import Item, Routine, Sequence, View
from lockgate.drift.snapshot import Snapshot, make_snapshot
from lockgate.drift.table_items import Column, Constraint, Index, Relation, Trigger
from lockgate.permit import Session
from lockgate.words import VersionTable

_OURS = f"table_schema = database() and {NOT_OURS.format('table_name')} and table_name <> :version_table"
_TABLES = f"select table_name, table_type, engine, table_collation, table_comment from information_schema.tables where {_OURS}"
_COLUMNS = f"""
select c.table_name, c.column_name, c.column_type, c.is_nullable, c.column_default, c.extra, c.generation_expression, c.collation_name,
       c.column_comment
  from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
 where {_OURS} and t.table_type in ('BASE TABLE', 'SYSTEM VERSIONED')
"""
_INDEXES = f"""
select table_name, index_name, non_unique, index_type, column_name, sub_part from information_schema.statistics
 where {_OURS} order by table_name, index_name, seq_in_index
"""
_FOREIGN_KEYS = f"""
select k.table_name, k.constraint_name, k.column_name, k.referenced_table_name, k.referenced_column_name, r.update_rule, r.delete_rule
  from information_schema.key_column_usage k
  join information_schema.referential_constraints r
    on r.constraint_schema = k.constraint_schema and r.constraint_name = k.constraint_name and r.table_name = k.table_name
 where k.table_schema = database() and {NOT_OURS.format("k.table_name")} and k.table_name <> :version_table
   and k.referenced_table_name is not null order by k.table_name, k.constraint_name, k.ordinal_position
"""
_CHECKS = """
select t.table_name, t.constraint_name, c.check_clause from information_schema.table_constraints t
  join information_schema.check_constraints c on c.constraint_schema = t.constraint_schema and c.constraint_name = t.constraint_name
 where t.table_schema = database() and t.constraint_type = 'CHECK' and left(t.table_name, 9) <> 'lockgate_'
   and t.table_name <> :version_table
"""
_VIEWS = "select table_name, view_definition, check_option from information_schema.views where table_schema = database()"
_ROUTINES = """
select r.routine_name, lower(r.routine_type), r.dtd_identifier, r.routine_definition,
       (select group_concat(concat_ws(' ', p.parameter_mode, p.parameter_name, p.dtd_identifier) order by p.ordinal_position separator ', ')
          from information_schema.parameters p
         where p.specific_schema = r.routine_schema and p.specific_name = r.specific_name and p.ordinal_position > 0)
  from information_schema.routines r where r.routine_schema = database()
"""
_TRIGGERS = """
select event_object_table, trigger_name, action_timing, event_manipulation, action_statement from information_schema.triggers
 where trigger_schema = database() and event_object_table <> :version_table
"""


def snapshot(session: Session, version_table: VersionTable, heads: tuple[str, ...]) -> Snapshot:
    """Read the schema in ten queries; see `Dialect.snapshot`."""
    values: dict[str, object] = {"version_table": version_table.name}
    here, version = (str(value) for value in session.execute("select database(), version()")[0])
    items: list[Item] = [*_tables(session, values), *_columns(session, values), *_indexes(session, values), *_foreign_keys(session, values)]
    items += _checks(session, values)
    items += _code(session, values, f"`{here}`.")
    return make_snapshot(items, product="mysql", server=major(version), heads=heads)


def major(version: str) -> str:
    """The part of a server's version that decides how texts are printed: `MariaDB 10.11`."""
    number = ".".join(version.partition("-")[0].split(".")[:2])
    return f"{'MariaDB' if 'mariadb' in version.lower() else 'MySQL'} {number}"


def _tables(session: Session, values: dict[str, object]) -> Iterator[Item]:
    rows: Any = session.execute(_TABLES, values)
    for name, kind, engine, collation, comment in rows:
        if kind == "SEQUENCE":
            yield Sequence("", name, "bigint")
        elif kind != "VIEW":
            yield Relation("", name, "table", options=f"ENGINE={engine} COLLATE={collation}", comment=comment or "")


def _columns(session: Session, values: dict[str, object]) -> Iterator[Item]:
    rows: Any = session.execute(_COLUMNS, values)
    for table, name, kind, nullable, default, extra, expression, collation, comment in rows:
        words = extra.replace("DEFAULT_GENERATED", "").strip()
        counts = "AUTO_INCREMENT" if "auto_increment" in words else ""
        generated = f"{expression} {words}" if expression else ""
        shown = "" if default in (None, "NULL") else str(default)  # MariaDB writes a default of NULL out
        if "on update" in words.lower():
            shown += f" {words}"
        yield Column("", table, name, kind, nullable == "NO", shown, counts, generated, collation or "", comment or "")


def _indexes(session: Session, values: dict[str, object]) -> Iterator[Item]:
    rows: Any = session.execute(_INDEXES, values)
    for (table, name, many, kind), found in groupby(rows, lambda row: row[:4]):
        members = [(column or "an expression", part) for *_, column, part in found]
        columns = tuple(column for column, _ in members)
        shown = ", ".join(f"{column}({part})" if part else column for column, part in members)
        if name == "PRIMARY":
            yield Constraint("", table, name, "primary key", f"PRIMARY KEY ({shown})", columns)
        else:
            yield Index("", table, name, f"CREATE {'' if many else 'UNIQUE '}INDEX {name} ON {table} ({shown}) USING {kind}", columns)


def _foreign_keys(session: Session, values: dict[str, object]) -> Iterator[Item]:
    rows: Any = session.execute(_FOREIGN_KEYS, values)
    for (table, name), found in groupby(rows, lambda row: row[:2]):
        members = list(found)
        _, _, _, parent, _, on_update, on_delete = members[0]
        columns = tuple(row[2] for row in members)
        text = f"FOREIGN KEY ({', '.join(columns)}) REFERENCES {parent} ({', '.join(row[4] for row in members)})"
        yield Constraint("", table, name, "foreign key", f"{text} ON UPDATE {on_update} ON DELETE {on_delete}", columns)


def _checks(session: Session, values: dict[str, object]) -> Iterator[Item]:
    rows: Any = session.execute(_CHECKS, values)
    for table, name, clause in {(table, name, clause) for table, name, clause in rows}:
        yield Constraint("", table, name, "check", f"CHECK ({clause})")


def _code(session: Session, values: dict[str, object], here: str) -> Iterator[Item]:
    """Views, routines and triggers; the server writes the schema's name into a view, which is another one in a copy."""
    rows: Any = session.execute(_VIEWS)
    for name, text, check in rows:
        yield View("", name, text.replace(here, ""), "view", "" if check == "NONE" else f"WITH {check} CHECK OPTION")
    rows = session.execute(_ROUTINES)
    for name, kind, returns, text, arguments in rows:
        yield Routine("", name, arguments or "", f"{f'RETURNS {returns} ' if returns else ''}{text}", kind)
    rows = session.execute(_TRIGGERS, values)
    for table, name, timing, event, text in rows:
        yield Trigger("", table, name, f"{timing} {event} ON {table} FOR EACH ROW {text}")
