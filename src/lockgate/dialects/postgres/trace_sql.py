"""What the tracer asks a scratch server: catalog, locks, files and counters, each as one JSON text that any driver hands over alike."""

from __future__ import annotations

from lockgate.dialects.postgres.catalog import NOT_OF_EXTENSION, USER_SCHEMA

LOG = "lockgate.trace"  # a setting of the session: written by event triggers, undone by ROLLBACK, in no table

INSTALL = (
    # Nobody else is here: who waits for so long waits for itself, through a second connection.
    "do $$ begin execute pg_catalog.format('alter database %I set lock_timeout = %L', pg_catalog.current_database(), '5s'); end $$",
    # Reasons as bits: PostgreSQL manual, 9.30.3 Event Trigger Functions; 8 is the access method since 16.
    f"""
create or replace function lockgate.trace_rewrite() returns event_trigger language plpgsql as $$
begin
  perform pg_catalog.set_config('{LOG}', pg_catalog.concat(pg_catalog.current_setting('{LOG}', true), pg_catalog.json_build_object(
    'rewrite', pg_catalog.pg_event_trigger_table_rewrite_oid()::bigint,
    'reason', pg_catalog.pg_event_trigger_table_rewrite_reason())::text, E'\\n'), false);
end $$""",
    f"""
create or replace function lockgate.trace_drop() returns event_trigger language plpgsql as $$
begin
  perform pg_catalog.set_config('{LOG}', pg_catalog.concat(pg_catalog.current_setting('{LOG}', true), (
    select pg_catalog.string_agg(pg_catalog.json_build_object('drop', d.object_type, 'identity', d.object_identity, 'schema', d.schema_name,
             'named', d.original, 'cascade', d.normal and not d.original, 'class', d.classid::bigint, 'id', d.objid::bigint)::text, E'\\n')
      from pg_catalog.pg_event_trigger_dropped_objects() d where not d.is_temporary), E'\\n'), false);
end $$""",
    "create event trigger lockgate_trace_rewrite on table_rewrite execute function lockgate.trace_rewrite()",
    "create event trigger lockgate_trace_drop on sql_drop execute function lockgate.trace_drop()",
)

# Before a statement: forget what earlier ones left in the log. In a transaction block the two clocks differ.
BEFORE = f"""
select pg_catalog.set_config('{LOG}', '', false), pg_catalog.pg_backend_pid()::text,
       (pg_catalog.transaction_timestamp() operator(pg_catalog.=) pg_catalog.statement_timestamp())::text,
       coalesce((select l.virtualtransaction from pg_catalog.pg_locks l
                  where l.locktype = 'virtualxid' and l.pid = pg_catalog.pg_backend_pid()), '')
"""
READ_LOG = f"select pg_catalog.current_setting('{LOG}', true)"

_OWN = "l.pid = pg_catalog.pg_backend_pid()"
_ITS_DATABASE = "l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())"


def locks(pid: str = "") -> str:
    """Return the question which relations are locked how, and whether the lock is still waited for; `pid` of another session."""
    who = f"l.pid = {int(pid)}" if pid else _OWN
    return f"""
select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(l.relation::bigint, l.mode, l.granted))::text, '[]')
  from pg_catalog.pg_locks l where l.locktype = 'relation' and {who} and {_ITS_DATABASE}"""


_USER = f"{USER_SCHEMA}"
# Files, and what this transaction has read and written so far, by relation.
LIVE = f"""
select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(c.oid::bigint, pg_catalog.pg_relation_filenode(c.oid)::bigint,
         pg_catalog.pg_stat_get_xact_numscans(c.oid), pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid),
         pg_catalog.pg_stat_get_xact_tuples_updated(c.oid), pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)))::text, '[]')
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'm', 'i') and {_USER}
"""


def _free(kind: str, oid: str) -> str:
    """A condition that leaves out members of extensions."""
    return NOT_OF_EXTENSION.format(classid=f"'pg_catalog.{kind}'::pg_catalog.regclass", oid=oid)


# Names are printed as this path needs them: a revision that sets another one must not look as if it changed every definition.
PATH = "select pg_catalog.set_config('search_path', 'public', false)"
# kind, key, oid of what it belongs to, schema, name, facts
PICTURE = f"""
with rel as (
  select c.*, n.nspname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'i', 'I') and {_USER} and {_free("pg_class", "c.oid")}
), item (kind, key, parent, nsp, name, facts) as (
  select case r.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end,
         'r' || r.oid, 0::bigint, r.nspname::text, r.relname::text,
         pg_catalog.jsonb_build_object('kind', case r.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'f' then 'foreign table'
             when 'v' then 'view' when 'm' then 'materialized view' else 'sequence' end,
           'persistence', r.relpersistence, 'row_security', r.relrowsecurity, 'bound', pg_catalog.pg_get_expr(r.relpartbound, r.oid),
           'partition_of', (select i.inhparent::bigint from pg_catalog.pg_inherits i where i.inhrelid = r.oid and r.relispartition),
           'partition_constraint', case when r.relispartition then pg_catalog.pg_get_partition_constraintdef(r.oid) end,
           'definition', case when r.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(r.oid) end)
    from rel r where r.relkind not in ('i', 'I')
  union all
  select 'index', 'r' || r.oid, i.indrelid::bigint, r.nspname, r.relname,
         pg_catalog.jsonb_build_object('kind', case r.relkind when 'i' then 'index' else 'partitioned index' end,
           'persistence', r.relpersistence, 'definition', pg_catalog.pg_get_indexdef(r.oid), 'unique', i.indisunique, 'valid', i.indisvalid,
           'primary', i.indisprimary, 'nulls_not_distinct', coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false),
           'columns', (select pg_catalog.jsonb_agg(pg_catalog.pg_get_indexdef(r.oid, k, true) order by k)
                         from pg_catalog.generate_series(1, i.indnkeyatts) k),
           'predicate', pg_catalog.pg_get_expr(i.indpred, i.indrelid))
    from rel r join pg_catalog.pg_index i on i.indexrelid = r.oid
  union all
  select 'column', 'a' || a.attrelid || '.' || a.attnum, a.attrelid::bigint, r.nspname, a.attname,
         pg_catalog.jsonb_build_object('type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'not_null', a.attnotnull,
           'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid), 'identity', nullif(a.attidentity, ''), 'generated', nullif(a.attgenerated, ''),
           'collation', nullif(a.attcollation, t.typcollation)::pg_catalog.regcollation::text)
    from rel r join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_type t on t.oid = a.atttypid left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where r.relkind in ('r', 'p', 'f', 'v', 'm')
  union all
  select 'constraint', 'c' || c.oid, c.conrelid::bigint, r.nspname, c.conname,
         pg_catalog.jsonb_build_object('kind', case c.contype when 'p' then 'primary key' when 'u' then 'unique' when 'f' then 'foreign key'
             when 'c' then 'check' when 'x' then 'exclusion' when 'n' then 'not null' else c.contype::text end,
           'definition', pg_catalog.pg_get_constraintdef(c.oid), 'valid', c.convalidated,
           'columns', (select pg_catalog.jsonb_agg(a.attname order by k.ordinality) from pg_catalog.unnest(c.conkey) with ordinality k
                         join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.k),
           'references', (select rn.nspname || '.' || rc.relname from pg_catalog.pg_class rc
                            join pg_catalog.pg_namespace rn on rn.oid = rc.relnamespace where rc.oid = c.confrelid),
           'index', case when c.contype in ('p', 'u', 'x') then (select x.relname from pg_catalog.pg_class x where x.oid = c.conindid) end)
    from rel r join pg_catalog.pg_constraint c on c.conrelid = r.oid where c.conparentid = 0 and c.contype <> 't'
  union all
  select 'trigger', 't' || g.oid, g.tgrelid::bigint, r.nspname, g.tgname,
         pg_catalog.jsonb_build_object('definition', pg_catalog.pg_get_triggerdef(g.oid), 'enabled', g.tgenabled)
    from rel r join pg_catalog.pg_trigger g on g.tgrelid = r.oid where not g.tgisinternal
  union all
  select 'policy', 'p' || y.oid, y.polrelid::bigint, r.nspname, y.polname,
         pg_catalog.jsonb_build_object('command', y.polcmd, 'using', pg_catalog.pg_get_expr(y.polqual, y.polrelid),
           'check', pg_catalog.pg_get_expr(y.polwithcheck, y.polrelid))
    from rel r join pg_catalog.pg_policy y on y.polrelid = r.oid
  union all
  select 'rule', 'w' || w.oid, w.ev_class::bigint, r.nspname, w.rulename, pg_catalog.jsonb_build_object('definition', pg_catalog.pg_get_ruledef(w.oid))
    from rel r join pg_catalog.pg_rewrite w on w.ev_class = r.oid where w.rulename <> '_RETURN'
  union all
  select case t.typtype when 'd' then 'domain' else 'type' end, 'y' || t.oid, 0, n.nspname, t.typname,
         pg_catalog.jsonb_build_object('kind', case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'r' then 'range' else 'composite' end,
           'base', case when t.typtype = 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod) end, 'not_null', t.typnotnull)
    from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    left join pg_catalog.pg_class c on c.oid = t.typrelid
   where (t.typtype in ('e', 'd', 'r') or c.relkind = 'c') and {_USER} and {_free("pg_type", "t.oid")}
  union all
  select 'enum value', 'e' || e.oid, t.oid::bigint, n.nspname, e.enumlabel, pg_catalog.jsonb_build_object('position', e.enumsortorder, 'type', t.typname)
    from pg_catalog.pg_enum e join pg_catalog.pg_type t on t.oid = e.enumtypid join pg_catalog.pg_namespace n on n.oid = t.typnamespace
   where {_USER} and {_free("pg_type", "t.oid")}
  union all
  select 'function', 'f' || p.oid, 0, n.nspname, p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')',
         pg_catalog.jsonb_build_object('kind', p.prokind, 'volatility', p.provolatile, 'returns', pg_catalog.format_type(p.prorettype, null),
           'body', pg_catalog.md5(pg_catalog.concat(p.prosrc, p.prosqlbody::text)))
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace where {_USER} and {_free("pg_proc", "p.oid")}
  union all
  select 'schema', 'n' || n.oid, 0, '', n.nspname, '{{}}'::jsonb from pg_catalog.pg_namespace n where {_USER}
  union all
  select 'extension', 'x' || e.oid, 0, '', e.extname, '{{}}'::jsonb from pg_catalog.pg_extension e
)
select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(i.kind, i.key, i.parent, i.nsp, i.name, pg_catalog.jsonb_strip_nulls(i.facts)))::text, '[]')
  from item i
"""

SIZES = f"""
with recursive leaf (root, oid) as (
  select c.oid, c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'm') and {_USER}
  union all
  select l.root, i.inhrelid from leaf l join pg_catalog.pg_inherits i on i.inhparent = l.oid
)
select n.nspname || '.' || r.relname,
       case when pg_catalog.bool_or(c.relkind <> 'p' and c.reltuples < 0) then -1 else coalesce(sum(c.reltuples) filter (where c.relkind <> 'p'), 0) end::bigint,
       coalesce(sum(pg_catalog.pg_table_size(c.oid)), 0)::bigint, coalesce(sum(pg_catalog.pg_indexes_size(c.oid)), 0)::bigint,
       (select count(*) from pg_catalog.pg_index x where x.indrelid = r.oid)::int,
       count(*) filter (where c.oid <> r.oid and c.relkind <> 'p')::int
  from leaf l join pg_catalog.pg_class r on r.oid = l.root join pg_catalog.pg_namespace n on n.oid = r.relnamespace
  join pg_catalog.pg_class c on c.oid = l.oid
 group by r.oid, n.nspname, r.relname order by 3 desc, 1
"""
