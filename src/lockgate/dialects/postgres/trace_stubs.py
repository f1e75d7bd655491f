"""
Imitations of extensions that a scratch server does not have: their types and functions by name, without what they do.

No lock depends on what a function returns. The server believes that the extension is installed, so `CREATE EXTENSION IF NOT EXISTS` and
`DROP EXTENSION` of a revision work, and its members are nobody's in the catalog.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lockgate.dialects.postgres.empty import quoted
from lockgate.permit import Row, Session

_INSTALLED = """
select e.extname, n.nspname, e.extversion from pg_catalog.pg_extension e
  join pg_catalog.pg_namespace n on n.oid = e.extnamespace order by 1
"""
_MEMBERS = "join pg_catalog.pg_extension e on d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.refobjid = e.oid"
_TYPES = f"""
select n.nspname, t.typname from pg_catalog.pg_depend d {_MEMBERS}
  join pg_catalog.pg_type t on d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.oid
  join pg_catalog.pg_namespace n on n.oid = t.typnamespace
 where d.deptype = 'e' and e.extname = :name and t.typtype = 'b' and t.typcategory <> 'A' order by t.oid
"""
_FUNCTIONS = f"""
select n.nspname, p.proname, pg_catalog.pg_get_function_arguments(p.oid), pg_catalog.pg_get_function_identity_arguments(p.oid),
       pg_catalog.pg_get_function_result(p.oid), p.provolatile::text, p.proretset, p.proargmodes is not null
  from pg_catalog.pg_depend d {_MEMBERS}
  join pg_catalog.pg_proc p on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where d.deptype = 'e' and e.extname = :name and p.prokind = 'f'
   and not p.proargtypes::oid[] && array['internal', 'cstring']::pg_catalog.regtype[]::oid[]
   and p.prorettype not in ('internal'::pg_catalog.regtype, 'cstring'::pg_catalog.regtype) order by p.oid
"""
_WRAPPERS = f"""
select w.fdwname from pg_catalog.pg_depend d {_MEMBERS}
  join pg_catalog.pg_foreign_data_wrapper w on d.classid = 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass and d.objid = w.oid
 where d.deptype = 'e' and e.extname = :name
"""
# What they do is to reach another server, or a file: a scratch server gets their names alone.
_REACHING = frozenset({"postgres_fdw", "dblink", "file_fdw"})
_VOLATILITY = {"i": "immutable", "s": "stable", "v": "volatile"}
# NULL would break an INSERT into a NOT NULL column that takes its default from the function.
_VALUES = {
    "uuid": "pg_catalog.gen_random_uuid()",
    "text": "''",
    "bytea": "''",
    "boolean": "false",
    "integer": "0",
    "bigint": "0",
    "numeric": "0",
    "double precision": "0",
    "timestamp with time zone": "pg_catalog.now()",
}
_TYPE = """
create type {name};
create function {reads}(cstring) returns {name} language internal immutable strict as 'textin';
create function {writes}({name}) returns cstring language internal immutable strict as 'textout';
create type {name} (input = {reads}, output = {writes}, typmod_in = pg_catalog.varchartypmodin, typmod_out = pg_catalog.varchartypmodout, like = pg_catalog.text);
alter extension {extension} add function {reads}(cstring);
alter extension {extension} add function {writes}({name});
alter extension {extension} add type {name};
"""
_FUNCTION = """
create function {name}({arguments}) returns {result} language plpgsql {volatility} as $lockgate$ begin {body} end $lockgate$;
alter extension {extension} add function {name}({identity});
"""


def stubs(session: Session, available: frozenset[str]) -> Mapping[str, str]:
    """Return SQL by the name of each installed extension that is not `available` elsewhere; see `Tracing.stubs`."""
    missing = [row for row in session.execute(_INSTALLED) if row[0] not in available - _REACHING]
    return {str(name): "\n".join(_statements(session, str(name), str(schema), str(version))) for name, schema, version in missing}


def _statements(session: Session, name: str, schema: str, version: str) -> Iterator[str]:
    yield f"create schema if not exists {quoted(schema)};"
    yield "set allow_system_table_mods = on;"
    yield (
        "insert into pg_catalog.pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) select"
        " pg_catalog.pg_nextoid('pg_catalog.pg_extension'::pg_catalog.regclass, 'oid', 'pg_catalog.pg_extension_oid_index'::pg_catalog.regclass),"
        f" {_literal(name)}, 10, oid, true, {_literal(version)} from pg_catalog.pg_namespace where nspname = {_literal(schema)};"
    )
    yield "reset allow_system_table_mods;"
    for namespace, member in session.execute(_TYPES, {"name": name}):
        reads, writes = (f"{quoted(str(namespace))}.{quoted(f'{member}_{way}')}" for way in ("in", "out"))
        yield _TYPE.format(name=f"{quoted(str(namespace))}.{quoted(str(member))}", reads=reads, writes=writes, extension=quoted(name))
    for row in session.execute(_FUNCTIONS, {"name": name}):
        yield _function(row, name)
    for (wrapper,) in session.execute(_WRAPPERS, {"name": name}):
        # Without a handler: servers and foreign tables can be declared, and nobody can be reached through them.
        yield f"create foreign data wrapper {quoted(str(wrapper))};"
        yield f"alter extension {quoted(name)} add foreign data wrapper {quoted(str(wrapper))};"


def _function(row: Row, extension: str) -> str:
    schema, name, arguments, identity, result, volatility, many, out = row
    value = _VALUES.get(str(result), "null")
    body = "" if result == "void" else "return;" if many or out else f"return {value};"
    return _FUNCTION.format(
        name=f"{quoted(str(schema))}.{quoted(str(name))}",
        arguments=arguments,
        identity=identity,
        result=result,
        volatility=_VOLATILITY[str(volatility)],
        body=body,
        extension=quoted(extension),
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
