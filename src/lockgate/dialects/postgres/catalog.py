"""What a PostgreSQL database says of itself, in a few set-based queries that create nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lockgate.dialects.features import ServerFacts
from lockgate.dialects.postgres.own_names import own_names
from lockgate.dialects.postgres.session import PostgresSession
from lockgate.permit import Session
from lockgate.seeds.spec import TableName
from lockgate.words import Cluster, Sight, VersionTable

if TYPE_CHECKING:
    from lockgate.journal.statement import Thing

# Everything in these schemas belongs to the server or to lockgate. Temporary schemas start with pg_ as well.
USER_SCHEMA = r"n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'lockgate')"
# Not `exists`: one look at few rows instead of one for each of thousands of tables.
NOT_OF_EXTENSION = "{oid} not in (select d.objid from pg_catalog.pg_depend d where d.classid = {classid} and d.deptype = 'e')"

_OWN_TABLES = ("marker", "head_of_ledger", "journal")
_GENERAL = """
select pg_catalog.current_setting('server_version') as version,
       (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()),
       pg_catalog.pg_is_in_recovery() as recovering,
       pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute') as control
"""
RELATIONS = f"""
select n.nspname, c.relname, c.relkind::text
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c') and {USER_SCHEMA}
   and {NOT_OF_EXTENSION.format(classid="'pg_catalog.pg_class'::pg_catalog.regclass", oid="c.oid")}
   and (c.relkind <> 'S' or not exists (select 1 from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype in ('a', 'i')))
 order by 1, 2
"""
TYPES = f"""
select n.nspname, t.typname from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
 where t.typtype in ('e', 'd', 'r') and {USER_SCHEMA}
   and {NOT_OF_EXTENSION.format(classid="'pg_catalog.pg_type'::pg_catalog.regclass", oid="t.oid")}
 order by 1, 2
"""
ROUTINES = f"""
select n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid), p.prokind::text
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where {USER_SCHEMA} and {NOT_OF_EXTENSION.format(classid="'pg_catalog.pg_proc'::pg_catalog.regclass", oid="p.oid")}
   and not exists (select 1 from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'i')
 order by 1, 2, 3
"""
# `public` is there in every new database; a schema that holds an extension is part of what stays with it.
SCHEMAS = f"""
select n.nspname from pg_catalog.pg_namespace n
 where {USER_SCHEMA} and n.nspname <> 'public' and pg_catalog.pg_has_role(n.nspowner, 'usage')
   and not exists (select 1 from pg_catalog.pg_extension e where e.extnamespace = n.oid)
   and {NOT_OF_EXTENSION.format(classid="'pg_catalog.pg_namespace'::pg_catalog.regclass", oid="n.oid")}
 order by 1
"""
# Where a name without a schema goes, and what a date without a zone means.
_SESSION = "select name, reset_val from pg_catalog.pg_settings where name in ('search_path', 'TimeZone', 'DateStyle')"
_SYSTEM = "select 'system', cast(system_identifier as text) from pg_catalog.pg_control_system()"
# Not from `pg_stat_user_tables`, which counts the scans of every index along the way.
_ROWS = f"""
select coalesce(sum(pg_catalog.pg_stat_get_live_tuples(c.oid)), 0)
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'm', 'p') and {USER_SCHEMA}
"""
_INVALID = f"""
select n.nspname, c.relname from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where not i.indisvalid and c.relkind = 'i' and {USER_SCHEMA} order by 1, 2
"""
# All of it by one question: on most calls the way to the server and back costs more than the answers.
_ALL = f"""
select cast(json_build_object(
  'general', (select row_to_json(g) from ({_GENERAL}) g),
  'relations', (select coalesce(json_agg(json_build_array(nspname, relname, relkind)), '[]') from ({RELATIONS}) r),
  'rows', ({_ROWS}),
  'invalid', (select coalesce(json_agg(json_build_array(nspname, relname)), '[]') from ({_INVALID}) i),
  'backend', pg_backend_pid()) as text)
"""
# Asked of a database without relations alone: to plan it costs as much as the rest.
_OTHERS = f"select (select count(*) from ({TYPES}) t) + (select count(*) from ({ROUTINES}) f)"


def own_tables(session: Session) -> frozenset[str]:
    """Which tables the registry has."""
    there = ", ".join(f"pg_catalog.to_regclass('lockgate.{name}') is not null" for name in _OWN_TABLES)
    found = frozenset(name for name, known in zip(_OWN_TABLES, session.execute(f"select {there}")[0], strict=True) if known)
    return found if "marker" in found else frozenset()


def look(session: Session, place: str, version_table: VersionTable | None) -> Sight:
    """Read everything that the guard, the route and the reports want to know of the catalog; see `Dialect.look`."""
    with own_names(session) as schema:
        return _look(session, place, version_table, schema)


def _look(session: Session, place: str, version_table: VersionTable | None, schema: str) -> Sight:
    seen = json.loads(str(session.execute(_ALL)[0][0]))
    general = seen["general"]
    relations = [(str(n), str(r), str(k)) for n, r, k in seen["relations"]]
    found = _find_version_table(relations, version_table, schema)
    system, heads = _system_and_heads(session, general["control"], found)
    others = [row for row in relations if row[:2] != found]
    return Sight(
        place=place,
        server=f"PostgreSQL {general['version'].split()[0]}",
        cluster=_cluster(system, str(general["oid"])),
        objects=len(others) or int(str(session.execute(_OTHERS)[0][0])),
        tables=tuple(f"{n}.{r}" if n != "public" else r for n, r, kind in others if kind in "rp"),
        rows=int(seen["rows"]),
        version_table=VersionTable(found[1], found[0]) if found else None,
        heads=heads,
        invalid_indexes=tuple(_qualified(*names) for names in seen["invalid"]),
        writable=not general["recovering"],
        direct=isinstance(session, PostgresSession) and session.connection.info.backend_pid == seen["backend"],
    )


def _system_and_heads(session: Session, control: bool, table: tuple[str, str] | None) -> tuple[str, tuple[str, ...]]:
    """Read the cluster's number, empty where this role may not, and the rows of the version table, sorted."""
    asked = [_SYSTEM] if control else []
    asked += [f"select 'head', cast(version_num as text) from {_qualified(*table)}"] if table else []
    rows = session.execute(" union all ".join(asked)) if asked else []
    heads = tuple(sorted(str(value) for what, value in rows if what == "head"))
    return next((str(value) for what, value in rows if what == "system"), ""), heads


def invalid_indexes(session: Session) -> tuple[str, ...]:
    """Read the names of the indexes that no query uses: not valid, or still being built."""
    return tuple(_qualified(str(n), str(r)) for n, r in session.execute(_INVALID))


def index_definition(session: Session, thing: Thing) -> str:
    """Read how an index is defined; empty where there is none, and for every other kind of thing."""
    if thing.kind != "index":
        return ""
    name = _qualified(thing.schema, thing.name) if thing.schema else _qualified(thing.name)
    quoted = name.replace("'", "''")
    return str(session.execute(f"select coalesce(pg_catalog.pg_get_indexdef(pg_catalog.to_regclass('{quoted}')), '')")[0][0])


def touched_tables(session: Session) -> list[TableName]:
    """Read which tables' rows the open transaction changed, from the server's own counters."""
    sql = "select schemaname, relname from pg_catalog.pg_stat_xact_user_tables where n_tup_ins + n_tup_upd + n_tup_del > 0 order by 1, 2"
    return [TableName(str(name), str(schema)) for schema, name in session.execute(sql) if schema != "lockgate"]


def deleted(session: Session) -> dict[TableName, int]:
    """Read how many rows of which tables were deleted, from the server's own counters: those of a transaction that ended a moment ago are in them."""
    sql = "select schemaname, relname, n_tup_del from pg_catalog.pg_stat_xact_user_tables where n_tup_del > 0 order by 1, 2"
    rows = session.execute(sql)
    return {TableName(str(name), str(schema)): int(str(count)) for schema, name, count in rows if schema != "lockgate"}


def server_facts(session: Session) -> ServerFacts:
    """Read version, available extensions and roles; `pg_` begins the names of the server's own roles."""
    major, role = session.execute("select pg_catalog.current_setting('server_version_num')::int / 10000, current_user")[0]
    extensions = session.execute("select name from pg_catalog.pg_available_extensions")
    roles = session.execute("select rolname from pg_catalog.pg_roles where rolname !~ '^pg_' order by 1")
    names = frozenset(str(name) for (name,) in extensions)
    settings = {str(name): str(value) for name, value in session.execute(_SESSION)}
    return ServerFacts(str(major), f"PostgreSQL {major}", names, tuple(str(name) for (name,) in roles), str(role), settings)


def cluster(session: Session) -> Cluster:
    """Read the cluster's own identity and the database's oid."""
    with own_names(session):
        _, oid, _, control = session.execute(_GENERAL)[0]
        return _cluster(_system_and_heads(session, bool(control), None)[0], str(oid))


def _cluster(system: str, oid: str) -> Cluster:
    if not system:
        return Cluster("postgresql", "", oid, "database oid only: this role may not call pg_control_system()")
    return Cluster("postgresql", system, oid, "system_identifier and database oid")


def _find_version_table(relations: list[tuple[str, str, str]], table: VersionTable | None, schema: str) -> tuple[str, str] | None:
    wanted = table or VersionTable()
    found = [(n, r) for n, r, kind in relations if r == wanted.name and kind in "rp" and (not wanted.schema or n == wanted.schema)]
    # A table without a schema is found by the search_path; the session's own first schema stands for it.
    return next((pair for pair in found if pair[0] == schema), found[0] if found else None)


def _qualified(*names: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in names)
