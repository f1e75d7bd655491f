"""The shape of a MariaDB or MySQL table, read from information_schema."""

from __future__ import annotations

import itertools
import re
from typing import Any

from lockgate.dialects.foreign_keys import ForeignKey
from lockgate.dialects.mysql.catalog import quoted
from lockgate.permit import Session
from lockgate.seeds.rows import Column, TableShape
from lockgate.seeds.spec import TableName

_TABLE = """
select table_name from information_schema.tables
 where table_schema = database() and table_name = :name and table_type in ('BASE TABLE', 'SYSTEM VERSIONED')
"""
_COLUMNS = """
select column_name, column_type, data_type, is_nullable, extra, coalesce(generation_expression, '') from information_schema.columns
 where table_schema = database() and table_name = :name order by ordinal_position
"""
# A prefix of a column (`sub_part`) is no key of the whole column, and an expression (MySQL) has no name.
_KEYS = """
select index_name, column_name, sub_part, nullable from information_schema.statistics
 where table_schema = database() and table_name = :name and non_unique = 0 order by index_name, seq_in_index
"""
_FOREIGN_KEYS = """
select constraint_name, column_name, referenced_table_name, referenced_column_name from information_schema.key_column_usage
 where table_schema = database() and table_name = :name and referenced_table_schema = database()
 order by constraint_name, ordinal_position
"""
# MariaDB's JSON is a text with a check.
_JSON_CHECKS = """
select check_clause from information_schema.check_constraints where constraint_schema = database() and table_name = :name
"""
_KINDS = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double"), "number"),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"), "text"),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "bytes"),
    "json": "json",
}


def sql_name(table: TableName) -> str:
    """Return a table's name as SQL, quoted."""
    return quoted(table.name)


def read_shape(session: Session, table: TableName) -> TableShape | None:
    """Read a table's shape; None for another schema than the connection's own, for views and for nothing."""
    here = str(session.execute("select database()")[0][0])
    found = session.execute(_TABLE, {"name": table.name}) if table.schema in ("", here) else []
    if not found:
        return None
    name = {"name": found[0][0]}
    json = _json_columns(session, name)
    keys = _keys(session, name)
    return TableShape(
        table=TableName(str(found[0][0])),
        columns=tuple(_column(row, json) for row in session.execute(_COLUMNS, name)),
        primary=keys.pop("PRIMARY", ()),
        unique=tuple(keys.values()),
        parents=tuple(dict.fromkeys(key.parent for key in foreign_keys(session, TableName(str(found[0][0]))))),
    )


def foreign_keys(session: Session, table: TableName) -> list[ForeignKey]:
    """Read a table's foreign keys."""
    rows = session.execute(_FOREIGN_KEYS, {"name": table.name})
    groups = [list(group) for _, group in itertools.groupby(rows, key=lambda row: row[0])]
    return [
        ForeignKey(tuple(str(row[1]) for row in group), TableName(str(group[0][2])), tuple(str(row[3]) for row in group)) for group in groups
    ]


def _keys(session: Session, name: dict[str, object]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for index, group in itertools.groupby(session.execute(_KEYS, name), key=lambda row: row[0]):
        rows = list(group)
        if all(column and part is None and nullable != "YES" for _, column, part, nullable in rows):
            found[str(index)] = tuple(str(row[1]) for row in rows)
    return found


def _json_columns(session: Session, name: dict[str, object]) -> set[str]:
    has_names = session.execute(
        "select 1 from information_schema.columns where table_schema = 'information_schema' and table_name = 'CHECK_CONSTRAINTS'"
        " and column_name = 'TABLE_NAME'"
    )
    if not has_names:  # MySQL, whose JSON is a type
        return set()
    clauses = [re.fullmatch(r"json_valid\s*\([`\"](.+)[`\"]\)", str(row[0])) for row in session.execute(_JSON_CHECKS, name)]
    return {found[1] for found in clauses if found}  # in the quotes that the session's sql_mode asks for


def _column(row: tuple[Any, ...], json: set[str]) -> Column:
    name, shown, base, nullable, extra, expression = (str(value) for value in row)
    kind = "json" if name in json else "boolean" if shown == "tinyint(1)" else _KINDS.get(base, "other")
    generated = bool(expression) or "GENERATED" in extra.upper().replace("DEFAULT_GENERATED", "")
    return Column(name, shown, kind, nullable == "YES", generated, "by default" if "auto_increment" in extra else "")
