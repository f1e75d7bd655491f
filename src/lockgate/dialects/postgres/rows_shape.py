"""The shape of a PostgreSQL table, read from the catalog."""

from __future__ import annotations

from typing import Any

from lockgate.dialects.foreign_keys import ForeignKey
from lockgate.dialects.postgres.empty import quoted
from lockgate.dialects.postgres.own_names import own_names
from lockgate.permit import Session
from lockgate.seeds.rows import Column, TableShape
from lockgate.seeds.spec import TableName

# to_regclass looks along the search_path and gives NULL for a name that is not there. All that follows is asked without that path.
_FOUND = "select cast(pg_catalog.to_regclass(:name) as pg_catalog.oid), pg_catalog.current_schemas(false)"
_TABLE = """
select n.nspname, c.relname
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.oid = :oid and c.relkind in ('r', 'p')
"""
_NAMESAKES = """
select n.nspname, c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relname::text = :name and n.nspname = any (:path) and c.relkind in ('r', 'p', 'v', 'm', 'f')
 order by pg_catalog.array_position(:path, n.nspname)
"""
# A domain may stand on a domain: the kind is that of the type at the bottom.
_COLUMNS = """
with recursive base (number, oid) as (
    select attnum, atttypid from pg_catalog.pg_attribute
     where attrelid = pg_catalog.to_regclass(:name) and attnum > 0 and not attisdropped
    union all
    select b.number, t.typbasetype from base b join pg_catalog.pg_type t on t.oid = b.oid where t.typtype = 'd'
)
select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), t.typname, t.typcategory::text, not a.attnotnull,
       a.attgenerated::text <> '', a.attidentity::text, coalesce(pg_catalog.pg_get_serial_sequence(:name, a.attname), '')
  from pg_catalog.pg_attribute a
  join base b on b.number = a.attnum
  join pg_catalog.pg_type t on t.oid = b.oid and t.typtype <> 'd'
 where a.attrelid = pg_catalog.to_regclass(:name)
 order by a.attnum
"""
# Columns behind INCLUDE are payload, not key: indnkeyatts leaves them out.
_KEYS = """
select i.indisprimary,
       (select array_agg(a.attname::text order by k.place)
          from unnest(i.indkey::int2[]) with ordinality k (number, place)
          join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number and a.attnotnull
         where k.place <= i.indnkeyatts) as columns
  from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
 where i.indrelid = pg_catalog.to_regclass(:name) and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
   and (select count(*) from unnest(i.indkey::int2[]) with ordinality k (number, place)
          join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number and a.attnotnull
         where k.place <= i.indnkeyatts) = i.indnkeyatts
 order by i.indisprimary desc, c.relname
"""
_PARENTS = """
select distinct n.nspname::text, c.relname::text
  from pg_catalog.pg_constraint f
  join pg_catalog.pg_class c on c.oid = f.confrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where f.conrelid = pg_catalog.to_regclass(:name) and f.contype = 'f'
 order by 1, 2
"""
_FOREIGN_KEYS = """
select n.nspname::text, c.relname::text,
       (select array_agg(a.attname::text order by k.place) from unnest(f.conkey) with ordinality k (number, place)
          join pg_catalog.pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.number),
       (select array_agg(a.attname::text order by k.place) from unnest(f.confkey) with ordinality k (number, place)
          join pg_catalog.pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.number)
  from pg_catalog.pg_constraint f
  join pg_catalog.pg_class c on c.oid = f.confrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where f.conrelid = pg_catalog.to_regclass(:name) and f.contype = 'f' and f.conparentid = 0
 order by f.conname
"""
_KINDS = {
    **dict.fromkeys(("int2", "int4", "int8", "numeric", "float4", "float8"), "number"),
    **dict.fromkeys(("text", "varchar", "bpchar", "citext", "name"), "text"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    "bool": "boolean",
    "bytea": "bytes",
}
_IDENTITY = {"a": "always", "d": "by default"}
_ARRAY = "A"  # pg_type.typcategory; PostgreSQL manual, table 52.65


def sql_name(table: TableName) -> str:
    """Return a table's name as SQL, quoted."""
    return f"{quoted(table.schema)}.{quoted(table.name)}" if table.schema else quoted(table.name)


def read_shape(session: Session, table: TableName) -> TableShape | None:
    """Read a table's shape; a name without schema is looked for along the search_path. None for views and for nothing."""
    oid = session.execute(_FOUND, {"name": sql_name(table)})[0][0]
    if oid is None:
        return None
    with own_names(session):
        return _read_shape(session, oid)


def namesakes(session: Session, table: TableName) -> list[TableName]:
    """Read which relations a name without a schema could mean along the search_path, the one that it does mean first."""
    if table.schema:
        return [table]
    path = session.execute(_FOUND, {"name": sql_name(table)})[0][1]
    with own_names(session):
        found = session.execute(_NAMESAKES, {"name": table.name, "path": path})
    return [TableName(str(name), str(schema)) for schema, name in found]


def _read_shape(session: Session, oid: object) -> TableShape | None:
    found = session.execute(_TABLE, {"oid": oid})
    if not found:
        return None
    whole = TableName(str(found[0][1]), str(found[0][0]))
    name = {"name": sql_name(whole)}
    keys = [(bool(primary), tuple(columns)) for primary, columns in _rows(session, _KEYS, name)]
    return TableShape(
        table=whole,
        columns=tuple(_column(*row) for row in _rows(session, _COLUMNS, name)),
        primary=next((columns for primary, columns in keys if primary), ()),
        unique=tuple(columns for primary, columns in keys if not primary),
        parents=tuple(TableName(relation, schema) for schema, relation in _rows(session, _PARENTS, name)),
    )


def foreign_keys(session: Session, table: TableName) -> list[ForeignKey]:
    """Read a table's foreign keys."""
    with own_names(session):
        found = _rows(session, _FOREIGN_KEYS, {"name": sql_name(table)})
    return [ForeignKey(tuple(columns), TableName(name, schema), tuple(referred)) for schema, name, columns, referred in found]


def _rows(session: Session, sql: str, params: dict[str, str]) -> list[tuple[Any, ...]]:
    return session.execute(sql, params)


def _column(name: str, shown: str, base: str, category: str, nullable: bool, generated: bool, identity: str, sequence: str) -> Column:
    kind = "array" if category == _ARRAY else _KINDS.get(base, "other")
    return Column(name, shown, kind, nullable, generated, _IDENTITY.get(identity, ""), sequence)
