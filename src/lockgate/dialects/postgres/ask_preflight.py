"""Who is at work on the tables of a plan, who gets copies of them, and what the role may not do; a few SELECTs on the catalog."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from lockgate.hazards.answers import Holder, Lacking, Preflight, Publication, Standby
from lockgate.permit import Session

# A prepared transaction has no process; which one it is tells its lock on its own number (PostgreSQL manual, 53.12 pg_locks).
_HOLDERS = """
with held as (
  select n.nspname || '.' || c.relname as path, l.pid, l.virtualtransaction, pg_catalog.array_agg(l.mode) as modes
    from pg_catalog.pg_locks l join pg_catalog.pg_class c on c.oid = l.relation join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where l.locktype = 'relation' and l.granted and l.pid is distinct from pg_catalog.pg_backend_pid()
     and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
     and n.nspname || '.' || c.relname = any(:tables)
   group by 1, 2, 3
)
select h.path, h.modes,
       case when a.backend_type = 'autovacuum worker' then 'wraparound' when a.state like 'idle in transaction%%' then 'idle' else 'session' end,
       pg_catalog.concat_ws(', ', 'pid ' || h.pid, nullif(a.usename, ''), nullif(a.application_name, '')),
       coalesce(extract(epoch from pg_catalog.clock_timestamp() - coalesce(a.xact_start, a.query_start))::float8, 0)
  from held h join pg_catalog.pg_stat_activity a on a.pid = h.pid
 where a.backend_type <> 'autovacuum worker' or a.query like '%%(to prevent wraparound)%%'
 union all
select h.path, h.modes, 'prepared', pg_catalog.concat_ws(', ', 'prepared transaction ' || p.gid, p.owner),
       extract(epoch from pg_catalog.clock_timestamp() - p.prepared)::float8
  from held h join pg_catalog.pg_locks x on x.virtualtransaction = h.virtualtransaction and x.locktype = 'transactionid' and x.pid is null
  join pg_catalog.pg_prepared_xacts p on p.transaction = x.transactionid where h.pid is null
 order by 5 desc, 1
"""
_PUBLICATIONS = """
select p.schemaname || '.' || p.tablename, p.pubname,
       c.relreplident in ('f', 'i') or (c.relreplident = 'd' and exists (
         select 1 from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisprimary))
  from pg_catalog.pg_publication_tables p join pg_catalog.pg_namespace n on n.nspname = p.schemaname
  join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = p.tablename
 where p.schemaname || '.' || p.tablename = any(:tables) order by 1, 2
"""
# Without pg_monitor the rows are there and the lag is NULL.
_STANDBYS = """
select coalesce(nullif(r.application_name, ''), r.usename::text, 'standby'), coalesce(extract(epoch from r.replay_lag)::float8, -1)
  from pg_catalog.pg_stat_replication r
 where not exists (select 1 from pg_catalog.pg_replication_slots s where s.active_pid = r.pid and s.slot_type = 'logical') order by 1
"""
_SIZE = "select pg_catalog.pg_database_size(pg_catalog.current_database())"
# As `ALTER ROLE` and `ALTER DATABASE` have it, in milliseconds; a look has set another one.
_LOCK_TIMEOUT = "select reset_val::float8 / 1000 from pg_catalog.pg_settings where name = 'lock_timeout'"
# Whoever is a member of the owning role may take it on (SET ROLE), which env.py or a revision may do.
_LACKING = """
select n.nspname || '.' || c.relname, w.name, current_user::text
  from rows from (pg_catalog.unnest(cast(:tables as text[])), pg_catalog.unnest(cast(:rights as text[]))) as w (path, name)
  join pg_catalog.pg_namespace n on true join pg_catalog.pg_class c on c.relnamespace = n.oid and n.nspname || '.' || c.relname = w.path
 where case when w.name = 'owner' then not pg_catalog.pg_has_role(c.relowner, 'MEMBER') else not pg_catalog.has_table_privilege(c.oid, w.name) end
 order by 1, 2
"""
_SCHEMAS = """
select n.nspname, 'CREATE', current_user::text
  from pg_catalog.pg_namespace n where n.nspname = any(:schemas) and not pg_catalog.has_schema_privilege(n.oid, 'CREATE') order by 1
"""
_EXTENSIONS = """
select w.name, case when pg_catalog.bool_or(v.name is not null) then 'EXTENSION' else 'NO EXTENSION' end, current_user::text
  from pg_catalog.unnest(cast(:extensions as text[])) as w (name) left join pg_catalog.pg_available_extension_versions v on v.name = w.name
  join pg_catalog.pg_roles r on r.rolname = current_user
 group by w.name having not coalesce(pg_catalog.bool_or(v.name is not null and (
        r.rolsuper or not v.superuser or (v.trusted and pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')))), false)
 order by 1
"""


def preflight(session: Session, needed: Mapping[str, Collection[str]]) -> Preflight:
    """See `Questions.preflight`."""
    tables = {"tables": list(needed)}
    return Preflight(
        holders=_read(Holder, session.execute(_HOLDERS, tables)),
        publications=_read(Publication, session.execute(_PUBLICATIONS, tables)),
        standbys=_read(Standby, session.execute(_STANDBYS)),
        lacking=tuple(_lacking(session, needed)),
        database_bytes=int(str(session.execute(_SIZE)[0][0])),
        lock_timeout_s=float(str(session.execute(_LOCK_TIMEOUT)[0][0])),
    )


def _lacking(session: Session, needed: Mapping[str, Collection[str]]) -> Iterator[Lacking]:
    pairs = [(path, right) for path, rights in needed.items() for right in sorted(rights) if right not in ("CREATE", "EXTENSION")]
    asked = {"tables": [path for path, _ in pairs], "rights": [right for _, right in pairs]}
    yield from _read(Lacking, session.execute(_LACKING, asked))
    schemas = [path for path, rights in needed.items() if "CREATE" in rights]
    yield from _read(Lacking, session.execute(_SCHEMAS, {"schemas": schemas}))
    extensions = [name for name, rights in needed.items() if "EXTENSION" in rights]
    yield from _read(Lacking, session.execute(_EXTENSIONS, {"extensions": extensions})) if extensions else ()


def _read(kind: type[Any], rows: list[tuple[object, ...]]) -> tuple[Any, ...]:
    fields = kind.__struct_fields__
    return tuple(msgspec.convert(dict(zip(fields, row, strict=True)), kind) for row in rows)
