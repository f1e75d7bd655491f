"""Tables of a PostgreSQL database and what hangs on them, as the catalog has them: one query per kind, whatever their number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lockgate.dialects.postgres.catalog import NOT_OF_EXTENSION, USER_SCHEMA
from lockgate.drift.items import Item
from lockgate.drift.table_items import Column, Constraint, Index, Policy, Relation, Rule, Trigger
from lockgate.permit import Session

_OWN = f"{USER_SCHEMA} and " + NOT_OF_EXTENSION.format(classid="'pg_catalog.pg_class'::pg_catalog.regclass", oid="c.oid")
_TABLE = f"join pg_catalog.pg_namespace n on n.oid = c.relnamespace and {_OWN}"
_COMMENT = """left join pg_catalog.pg_description m
         on m.classoid = '{catalog}'::pg_catalog.regclass and m.objoid = {oid} and m.objsubid = {part}"""

_RELATIONS = f"""
select n.nspname, c.relname,
       case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' else 'foreign table' end,
       coalesce(pg_catalog.pg_get_partkeydef(c.oid), ''),
       case when c.relispartition then
            (select i.inhparent::pg_catalog.regclass::text from pg_catalog.pg_inherits i where i.inhrelid = c.oid)
            || ' ' || coalesce(pg_catalog.pg_get_expr(c.relpartbound, c.oid), '') else '' end,
       case when c.relispartition then '{{}}'::text[] else
            array(select i.inhparent::pg_catalog.regclass::text from pg_catalog.pg_inherits i where i.inhrelid = c.oid order by i.inhseqno) end,
       c.relpersistence = 'u', c.relrowsecurity, c.relforcerowsecurity,
       pg_catalog.concat_ws(', ', 'server ' || s.srvname, pg_catalog.array_to_string(f.ftoptions, ', '),
                            pg_catalog.array_to_string(c.reloptions, ', ')),
       coalesce(m.description, '')
  from pg_catalog.pg_class c {_TABLE}
  {_COMMENT.format(catalog="pg_catalog.pg_class", oid="c.oid", part=0)}
  left join pg_catalog.pg_foreign_table f on f.ftrelid = c.oid left join pg_catalog.pg_foreign_server s on s.oid = f.ftserver
 where c.relkind in ('r', 'p', 'f')
"""
# What a child has from its parent alone is told with the parent.
_COLUMNS = f"""
select n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
       coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid, true), ''), a.attidentity::text, a.attgenerated::text,
       case when a.attcollation <> t.typcollation then a.attcollation::pg_catalog.regcollation::text else '' end,
       coalesce(m.description, '')
  from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid {_TABLE}
  join pg_catalog.pg_type t on t.oid = a.atttypid
  left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  {_COMMENT.format(catalog="pg_catalog.pg_class", oid="c.oid", part="a.attnum")}
 where c.relkind in ('r', 'p', 'f') and a.attnum > 0 and not a.attisdropped and (a.attislocal or a.attinhcount = 0)
"""
# From PostgreSQL 18 on every NOT NULL is a constraint, too; the column says it, unless it is not valid.
_CONSTRAINTS = f"""
select n.nspname, c.relname, o.conname, o.contype::text, pg_catalog.pg_get_constraintdef(o.oid, true),
       array(select a.attname::text from pg_catalog.pg_attribute a where a.attrelid = o.conrelid and a.attnum = any (o.conkey) order by a.attnum),
       coalesce(m.description, '')
  from pg_catalog.pg_constraint o join pg_catalog.pg_class c on c.oid = o.conrelid {_TABLE}
  {_COMMENT.format(catalog="pg_catalog.pg_constraint", oid="o.oid", part=0)}
 where (o.contype in ('p', 'u', 'f', 'c', 'x') or (o.contype = 'n' and not o.convalidated))
   and o.conparentid = 0 and (o.conislocal or o.coninhcount = 0)
"""
_INDEXES = f"""
select n.nspname, c.relname, x.relname, pg_catalog.pg_get_indexdef(i.indexrelid, 0, true),
       array(select distinct a.attname::text from pg_catalog.pg_depend d
               join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
              where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = x.oid
                and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = c.oid and d.refobjsubid > 0 order by 1),
       not i.indisvalid, coalesce(m.description, '')
  from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid join pg_catalog.pg_class c on c.oid = i.indrelid {_TABLE}
  {_COMMENT.format(catalog="pg_catalog.pg_class", oid="x.oid", part=0)}
 where not x.relispartition
   and not exists (select 1 from pg_catalog.pg_constraint o where o.conindid = i.indexrelid and o.contype in ('p', 'u', 'x'))
"""
_TRIGGERS = f"""
select n.nspname, c.relname, t.tgname, pg_catalog.pg_get_triggerdef(t.oid, true), t.tgenabled::text, coalesce(m.description, '')
  from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid {_TABLE}
  {_COMMENT.format(catalog="pg_catalog.pg_trigger", oid="t.oid", part=0)}
 where not t.tgisinternal and t.tgparentid = 0
"""
_POLICIES = f"""
select n.nspname, c.relname, p.polname,
       pg_catalog.concat_ws(' ', case when p.polpermissive then null else 'AS RESTRICTIVE' end,
         'FOR ' || case p.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE' else 'ALL' end,
         'TO ' || case when p.polroles = '{{0}}' then 'PUBLIC' else
             (select pg_catalog.string_agg(pg_catalog.quote_ident(r.rolname), ', ' order by r.rolname)
                from pg_catalog.pg_roles r where r.oid = any (p.polroles)) end,
         'USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid, true) || ')',
         'WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid, true) || ')'),
       coalesce(m.description, '')
  from pg_catalog.pg_policy p join pg_catalog.pg_class c on c.oid = p.polrelid {_TABLE}
  {_COMMENT.format(catalog="pg_catalog.pg_policy", oid="p.oid", part=0)}
"""
_RULES = f"""
select n.nspname, c.relname, r.rulename, pg_catalog.pg_get_ruledef(r.oid, true)
  from pg_catalog.pg_rewrite r join pg_catalog.pg_class c on c.oid = r.ev_class {_TABLE}
 where r.rulename <> '_RETURN'
"""
_KINDS = {"p": "primary key", "u": "unique", "f": "foreign key", "c": "check", "x": "exclusion", "n": "not null"}
_IDENTITY = {"a": "ALWAYS", "d": "BY DEFAULT"}
_GENERATED = {"s": "STORED", "v": "VIRTUAL"}
_ENABLED = {"O": "", "D": "DISABLED", "R": "REPLICA", "A": "ALWAYS"}
# The order of these words is pg_get_constraintdef's own.
_TAIL = re.compile(r"(.*?)( DEFERRABLE)?( INITIALLY DEFERRED)?( NOT ENFORCED)?( NOT VALID)?", re.DOTALL)


def read_tables(session: Session) -> Iterator[Item]:
    """Yield tables, columns, constraints, indexes, triggers, policies and rules; texts depend on the session's search_path."""
    rows: Any
    for rows in session.execute(_RELATIONS):
        schema, name, kind, key, parent, inherits, *rest = rows
        yield Relation(schema, name, kind, key, parent, tuple(inherits), *rest)
    for rows in session.execute(_COLUMNS):
        yield _column(*rows)
    for rows in session.execute(_CONSTRAINTS):
        yield _constraint(*rows)
    for schema, table, name, definition, columns, invalid, comment in _rows(session, _INDEXES):
        yield Index(schema, table, name, definition, tuple(columns), invalid, comment)
    for schema, table, name, definition, enabled, comment in _rows(session, _TRIGGERS):
        yield Trigger(schema, table, name, definition, _ENABLED[enabled], comment)
    for rows in session.execute(_POLICIES):
        yield Policy(*rows)
    for rows in session.execute(_RULES):
        yield Rule(*rows)


def _rows(session: Session, sql: str) -> Any:
    return session.execute(sql)


def _column(
    schema: str, table: str, name: str, kind: str, not_null: bool, expression: str, identity: str, generated: str, collation: str, comment: str
) -> Column:
    made = f"GENERATED ALWAYS AS ({expression}) {_GENERATED[generated]}" if generated else ""
    default = "" if generated else expression
    return Column(schema, table, name, kind, not_null, default, _IDENTITY.get(identity, ""), made, collation, comment)


def _constraint(schema: str, table: str, name: str, kind: str, text: str, columns: list[str], comment: str) -> Constraint:
    found = _TAIL.fullmatch(text)
    parts = found.groups("") if found else (text, "", "", "", "")
    timing, state = (parts[1] + parts[2]).strip(), (parts[3] or parts[4]).strip()
    return Constraint(schema, table, name, _KINDS[kind], parts[0], tuple(columns), timing, state, comment)
