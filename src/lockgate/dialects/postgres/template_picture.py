"""What a template holds, as values: enough to tell later whether one of its copies is still like it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, cast

from lockgate.dialects.postgres.empty import quoted
from lockgate.dialects.postgres.session import connect
from lockgate.secret import DatabaseUrl

Ask = Callable[[str], Sequence[tuple[Any, ...]]]

# Statistics are no schema, and are gathered behind everybody's back.
_CATALOGS = """
select c.oid::regclass::text, pg_catalog.has_table_privilege(c.oid, 'select')
  from pg_catalog.pg_class c
 where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind = 'r' and not c.relisshared
   and c.relname not in ('pg_statistic', 'pg_statistic_ext_data') order by 1
"""
CLASSES = """
select pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(',', c.oid, c.relname, c.relnamespace, c.reltype, c.reloftype, c.relowner, c.relam,
         c.reltablespace, c.relpersistence, c.relkind, c.relnatts, c.relchecks, c.relrowsecurity, c.relforcerowsecurity, c.relispopulated,
         c.relreplident, c.relispartition, c.relacl, c.reloptions, c.relpartbound), ';' order by c.oid))
  from pg_catalog.pg_class c where c.relpersistence <> 't'
"""
# What belongs to the database and is kept outside of it.
OUTSIDE = """
select pg_catalog.concat_ws(',', d.datdba, d.datconnlimit, d.datacl, d.datallowconn, d.datistemplate, d.dattablespace,
         pg_catalog.shobj_description(d.oid, 'pg_database'),
         (select pg_catalog.string_agg(pg_catalog.concat_ws(':', s.setrole, s.setconfig), ';' order by s.setrole)
            from pg_catalog.pg_db_role_setting s where s.setdatabase = d.oid),
         (select count(*) from pg_catalog.pg_prepared_xacts where database = d.datname),
         (select count(*) from pg_catalog.pg_replication_slots where database = d.datname))
  from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()
"""
_TABLES = """
select c.oid::int8, n.nspname, c.relname, c.relkind::text
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'm') and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1
"""
_SEQUENCES = "select s.seqrelid::int8, s.seqrelid::regclass::text from pg_catalog.pg_sequence s order by 1"
READS_SEQUENCES_SINCE = 180000  # pg_get_sequence_data; PostgreSQL 18 release notes




@dataclass(frozen=True)
class Picture:
    """
    A template as values, the same for all its copies.

    Args:
        catalogs: number of rows by name.
        classes: hash of pg_class.
        outside: what the server keeps of the database outside of it: settings, owner, privileges.
        filled: tables (and all materialized views) with rows: name, kind, rows.
        empty: oids and names of all other tables.
        sequences: oid, last value, whether it was handed out.
    """

    catalogs: dict[str, int]
    classes: str
    outside: str
    filled: tuple[tuple[str, str, int], ...]
    empty: tuple[tuple[int, str], ...]
    sequences: tuple[tuple[int, int, bool], ...]


def take_picture(url: DatabaseUrl, timeout: float) -> str:
    """
    Look at a template that nobody uses.

    Returns:
        JSON; empty where its copies could not be held to it: this role may not read the contents of its large objects.
    """
    with connect(url, timeout) as connection:
        connection.read_only = True

        def ask(sql: str) -> Sequence[tuple[Any, ...]]:
            return connection.execute(cast("Any", sql)).fetchall()

        names = [str(name) for name, readable in ask(_CATALOGS) if readable]
        if "pg_largeobject" not in names and ask("select 1 from pg_catalog.pg_largeobject_metadata limit 1"):
            return ""
        tables = [(int(oid), f"{quoted(schema)}.{quoted(name)}", str(kind)) for oid, schema, name, kind in ask(_TABLES)]
        counted = [(oid, name, kind, int(ask(f"select count(*) from only {name}")[0][0])) for oid, name, kind in tables]
        picture = Picture(
            {name: int(ask(f"select count(*) from {name} where {lasting(name)}")[0][0]) for name in names},
            str(ask(CLASSES)[0][0]),
            str(ask(OUTSIDE)[0][0]),
            tuple((name, kind, rows) for _, name, kind, rows in counted if rows or kind == "m"),
            tuple((oid, name) for oid, name, kind, rows in counted if not rows and kind != "m"),
            read_sequences(ask, connection.info.server_version),
        )
        return json.dumps(asdict(picture))


def lasting(catalog: str) -> str:
    """Leave out what sessions make for their temporary tables and never remove."""
    return "nspname !~ '^pg_(toast_)?temp_'" if catalog == "pg_namespace" else "true"


@lru_cache(maxsize=8)
def read_picture(text: str) -> Picture:
    """Read what `take_picture` wrote."""
    found = json.loads(text)
    listed = {key: tuple(tuple(item) for item in found[key]) for key in ("filled", "empty", "sequences")}
    return Picture(found["catalogs"], found["classes"], found["outside"], **listed)


def read_sequences(ask: Ask, server_version: int) -> tuple[tuple[int, int, bool], ...]:
    """Read oid, last value and whether it was handed out of every sequence; one by one in one statement before PostgreSQL 18."""
    if server_version >= READS_SEQUENCES_SINCE:
        sql = "select s.seqrelid::int8, d.last_value, d.is_called from pg_catalog.pg_sequence s, pg_catalog.pg_get_sequence_data(s.seqrelid) d order by 1"
        return tuple((int(oid), int(value), bool(called)) for oid, value, called in ask(sql))
    parts = [f"select {oid}::int8, last_value, is_called from {name}" for oid, name in ask(_SEQUENCES)]
    return tuple((int(oid), int(value), bool(called)) for oid, value, called in ask(" union all ".join(parts))) if parts else ()
