"""What PostgreSQL's tables demand of their rows: keys, foreign keys that lead to them, columns that something looks at."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from lockgate.hazards.demands import Demand
from lockgate.permit import Session

_NAMES = """array(select a.attname from pg_catalog.unnest({numbers}) with ordinality k
                    join pg_catalog.pg_attribute a on a.attrelid = {table} and a.attnum = k.k order by k.ordinality)"""
_ACTION = "case {letter} when 'a' then 'NO ACTION' when 'r' then 'RESTRICT' when 'c' then 'CASCADE' when 'n' then 'SET NULL' else 'SET DEFAULT' end"
_PLAIN_INDEX = "i.indexprs is null and i.indpred is null and i.indisvalid"
_SQL = f"""
with t as (
  select c.oid, n.nspname || '.' || c.relname as path, c.relhasrules or c.relrowsecurity or c.relkind <> 'r' or c.relispartition or c.relhassubclass
         or exists (select from pg_catalog.pg_trigger g where g.tgrelid = c.oid and not g.tgisinternal and g.tgenabled <> 'D') as hidden
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p') and n.nspname || '.' || c.relname = any(:tables)
)
select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
  'table', t.path,
  'columns', array(select a.attname from pg_catalog.pg_attribute a where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped order by a.attnum),
  'types', array(select pg_catalog.format_type(a.atttypid, a.atttypmod) from pg_catalog.pg_attribute a
                  where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped order by a.attnum),
  'guarded', array(select a.attname from pg_catalog.pg_attribute a join pg_catalog.pg_type y on y.oid = a.atttypid
                    where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
                      and (a.attnotnull or y.typtype = 'd' or a.attgenerated <> ''
                           or exists (select from pg_catalog.pg_constraint c where c.conrelid = t.oid and a.attnum = any(c.conkey))
                           or exists (select from pg_catalog.pg_index i where i.indrelid = t.oid and i.indisunique and a.attnum = any(i.indkey))
                           or exists (select from pg_catalog.pg_constraint c where c.confrelid = t.oid and a.attnum = any(c.confkey)))),
  'keys', coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object('name', x.relname,
             'columns', {_NAMES.format(numbers="(i.indkey::int2[])[0:i.indnkeyatts - 1]", table="t.oid")},
             'nulls_equal', coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)) order by x.relname)
             from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
            where i.indrelid = t.oid and i.indisunique and {_PLAIN_INDEX}), '[]'),
  'references', coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object('name', c.conname, 'table', n.nspname || '.' || r.relname,
             'columns', {_NAMES.format(numbers="c.conkey", table="c.conrelid")},
             'others', {_NAMES.format(numbers="c.confkey", table="c.confrelid")},
             'on_delete', {_ACTION.format(letter="c.confdeltype")}, 'on_update', {_ACTION.format(letter="c.confupdtype")},
             'late', c.condeferred or exists (
                select from pg_catalog.pg_constraint o
                 where o.conrelid = c.conrelid and o.oid <> c.oid and o.contype = 'f' and o.confdeltype not in ('a', 'r')
                   and (o.confrelid = t.oid or exists (select from pg_catalog.pg_constraint f
                                                        where f.confrelid = t.oid and f.contype = 'f' and f.confdeltype not in ('a', 'r'))))) order by n.nspname, r.relname, c.conname)
             from pg_catalog.pg_constraint c join pg_catalog.pg_class r on r.oid = c.conrelid join pg_catalog.pg_namespace n on n.oid = r.relnamespace
            where c.confrelid = t.oid and c.contype = 'f' and c.conparentid = 0
              and coalesce((pg_catalog.to_jsonb(c) ->> 'conenforced')::boolean, true)), '[]'),
  'filled', array(select a.attname from pg_catalog.pg_attribute a left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
                   where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
                     and (a.attidentity <> '' or pg_catalog.pg_get_expr(d.adbin, d.adrelid) ~ '^(nextval|gen_random_uuid|uuid)')),
  'hidden', t.hidden,
  'more', exists (select from pg_catalog.pg_constraint c where c.conrelid = t.oid and c.contype = 'x')
    or exists (select from pg_catalog.pg_index i where i.indrelid = t.oid and (i.indexprs is not null or (i.indisunique and not ({_PLAIN_INDEX}))))
    or exists (select from pg_catalog.pg_attribute a where a.attrelid = t.oid and not a.attisdropped and a.attgenerated <> '')
) order by t.path)::text, '[]')
  from t
"""


def demands(session: Session, tables: Collection[str]) -> tuple[Demand, ...]:
    """See `Questions.demands`."""
    ((text,),) = session.execute(_SQL, {"tables": list(tables)})
    return msgspec.json.decode(str(text), type=tuple[Demand, ...])
