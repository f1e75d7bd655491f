"""What a PostgreSQL schema holds beside its tables: schemas, extensions, types, sequences, views, routines, statistics, grants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lockgate.dialects.postgres.catalog import NOT_OF_EXTENSION, USER_SCHEMA
from lockgate.drift.items import Domain, Enum, Extension, Grant, Item, Routine, Schema, Sequence, Statistics, Type, View
from lockgate.permit import Session


def _own(catalog: str, oid: str) -> str:
    return f"{USER_SCHEMA} and " + NOT_OF_EXTENSION.format(classid=f"'pg_catalog.{catalog}'::pg_catalog.regclass", oid=oid)


def _comment(catalog: str, oid: str) -> str:
    return f"""left join pg_catalog.pg_description m
         on m.classoid = 'pg_catalog.{catalog}'::pg_catalog.regclass and m.objoid = {oid} and m.objsubid = 0"""


_SCHEMAS = f"""
select n.nspname, case when n.nspname = 'public' then '' else coalesce(m.description, '') end
  from pg_catalog.pg_namespace n {_comment("pg_namespace", "n.oid")} where {_own("pg_namespace", "n.oid")}
"""
_EXTENSIONS = """
select e.extname, n.nspname from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
"""
_ENUMS = f"""
select n.nspname, t.typname, array(select e.enumlabel::text from pg_catalog.pg_enum e where e.enumtypid = t.oid order by e.enumsortorder),
       coalesce(m.description, '')
  from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace {_comment("pg_type", "t.oid")}
 where t.typtype = 'e' and {_own("pg_type", "t.oid")}
"""
_DOMAINS = f"""
select n.nspname, t.typname, pg_catalog.format_type(t.typbasetype, t.typtypmod), t.typnotnull, coalesce(t.typdefault, ''),
       case when t.typcollation <> b.typcollation then t.typcollation::pg_catalog.regcollation::text else '' end,
       array(select o.conname || ' ' || pg_catalog.pg_get_constraintdef(o.oid, true) from pg_catalog.pg_constraint o
              where o.contypid = t.oid and o.contype = 'c' order by 1),
       coalesce(m.description, '')
  from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  join pg_catalog.pg_type b on b.oid = t.typbasetype {_comment("pg_type", "t.oid")}
 where t.typtype = 'd' and {_own("pg_type", "t.oid")}
"""
_TYPES = f"""
select n.nspname, t.typname,
       case t.typtype when 'r' then (select 'RANGE (SUBTYPE = ' || pg_catalog.format_type(r.rngsubtype, null) || ')'
                                       from pg_catalog.pg_range r where r.rngtypid = t.oid)
       else (select '(' || coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(a.attname) || ' '
                                    || pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum), '') || ')'
               from pg_catalog.pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped) end,
       coalesce(m.description, '')
  from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  left join pg_catalog.pg_class c on c.oid = t.typrelid {_comment("pg_type", "t.oid")}
 where (t.typtype = 'r' or c.relkind = 'c') and {_own("pg_type", "t.oid")}
"""
_SEQUENCES = f"""
select n.nspname, c.relname, pg_catalog.format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin::text, s.seqmax::text,
       s.seqcache, s.seqcycle, coalesce(o.relname, ''), coalesce(a.attname, ''), coalesce(m.description, '')
  from pg_catalog.pg_sequence s join pg_catalog.pg_class c on c.oid = s.seqrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype in ('a', 'i')
                                  and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjsubid > 0
  left join pg_catalog.pg_class o on o.oid = d.refobjid
  left join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid {_comment("pg_class", "c.oid")}
 where {_own("pg_class", "c.oid")}
"""
_VIEWS = f"""
select n.nspname, c.relname, pg_catalog.pg_get_viewdef(c.oid, true),
       case c.relkind when 'v' then 'view' else 'materialized view' end,
       coalesce(pg_catalog.array_to_string(c.reloptions, ', '), ''), coalesce(m.description, '')
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace {_comment("pg_class", "c.oid")}
 where c.relkind in ('v', 'm') and {_own("pg_class", "c.oid")}
"""
# A range type's own constructors depend on it.
_NOT_INTERNAL = """not exists (select 1 from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'i')"""
# An aggregate has no definition that the server would print.
_ROUTINES = f"""
select n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid),
       case when p.prokind <> 'a' then pg_catalog.pg_get_functiondef(p.oid)
            else (select pg_catalog.concat_ws(', ', 'SFUNC = ' || g.aggtransfn::text,
                           'STYPE = ' || pg_catalog.format_type(g.aggtranstype, null),
                           'FINALFUNC = ' || nullif(g.aggfinalfn::text, '-'), 'INITCOND = ' || g.agginitval)
                    from pg_catalog.pg_aggregate g where g.aggfnoid = p.oid) end,
       case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end, coalesce(m.description, '')
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace {_comment("pg_proc", "p.oid")}
 where {_own("pg_proc", "p.oid")}
   and {_NOT_INTERNAL}
"""
_STATISTICS = f"""
select n.nspname, s.stxname, pg_catalog.pg_get_statisticsobjdef(s.oid)
  from pg_catalog.pg_statistic_ext s join pg_catalog.pg_namespace n on n.oid = s.stxnamespace where {_own("pg_statistic_ext", "s.oid")}
"""
# Where nothing was ever granted the catalog holds NULL, which stands for the kind's default; the owner's own rights say nothing.
_GRANTS = f"""
select o.kind, o.schema, o.name, o.arguments, coalesce(r.rolname, 'PUBLIC'),
       array_agg(x.privilege_type || case when x.is_grantable then '*' else '' end order by x.privilege_type)
  from (select case c.relkind when 'S' then 'sequence' else 'table' end as kind, n.nspname as schema, c.relname as name, '' as arguments,
               c.relowner as owner,
               coalesce(c.relacl, pg_catalog.acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner)) as acl
          from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and {_own("pg_class", "c.oid")}
        union all
        select 'schema', '', n.nspname, '', n.nspowner, coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))
          from pg_catalog.pg_namespace n where {_own("pg_namespace", "n.oid")}
        union all
        select 'function', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid), p.proowner,
               coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))
          from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
         where {_own("pg_proc", "p.oid")} and {_NOT_INTERNAL}
       ) o cross join lateral pg_catalog.aclexplode(o.acl) x left join pg_catalog.pg_roles r on r.oid = x.grantee
 where x.grantee <> o.owner
 group by 1, 2, 3, 4, 5
"""
_MAKERS: tuple[tuple[str, Callable[..., Item]], ...] = (
    (_SCHEMAS, Schema),
    (_EXTENSIONS, Extension),
    (_ENUMS, lambda *row: Enum(*map(_frozen, row))),
    (_DOMAINS, lambda *row: Domain(*map(_frozen, row))),
    (_TYPES, Type),
    (_SEQUENCES, Sequence),
    (_VIEWS, View),
    (_ROUTINES, Routine),
    (_STATISTICS, Statistics),
)


def _frozen(value: Any) -> Any:
    """An array comes from the driver as a list."""
    return tuple(value) if isinstance(value, list) else value


def read_objects(session: Session) -> Iterator[Item]:
    """Yield everything beside tables but grants; texts depend on the session's search_path."""
    for sql, make in _MAKERS:
        row: Any
        for row in session.execute(sql):
            yield make(*row)


def read_grants(session: Session) -> Iterator[Item]:
    """Yield who may do what; privileges of single columns are not among them."""
    row: Any
    for row in session.execute(_GRANTS):
        yield Grant(*map(_frozen, row))
