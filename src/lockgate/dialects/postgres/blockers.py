"""Who holds the lock that a session waits for, or would."""

from __future__ import annotations

from lockgate.permit import Session

# A prepared transaction in the way has process id 0 and no session (PostgreSQL manual, 9.27, pg_blocking_pids).
_BLOCKERS = r"""
select b.pid, a.usename, coalesce(nullif(a.application_name, ''), a.backend_type), a.state,
       to_char(coalesce(a.xact_start, a.query_start) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       left(regexp_replace(a.query, '\s+', ' ', 'g'), 80)
  from unnest(pg_catalog.pg_blocking_pids({session_id})) as b (pid) left join pg_catalog.pg_stat_activity a on a.pid = b.pid
 group by 1, 2, 3, 4, 5, 6 order by 1
"""


def blockers(session: Session, session_id: str) -> list[str]:
    """Describe the sessions in the way; see `Dialect.blockers`."""
    return [_line(*row) for row in session.execute(_BLOCKERS.format(session_id=int(session_id)))]


_SHUTTERS = r"""
select n.nspname || '.' || c.relname, l.pid, a.usename, coalesce(nullif(a.application_name, ''), a.backend_type), a.state,
       to_char(coalesce(a.xact_start, a.query_start) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       left(regexp_replace(a.query, '\s+', ' ', 'g'), 80)
  from pg_catalog.pg_locks l join pg_catalog.pg_class c on c.oid = l.relation join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_stat_activity a on a.pid = l.pid
 where l.mode = 'AccessExclusiveLock' and l.granted and c.relkind in ('r', 'p', 'v', 'm')
   and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
 order by 1, 2 limit 5
"""


def shutters(session: Session) -> list[str]:
    """Describe the sessions that keep others from reading; see `Dialect.blockers`."""
    return [f"{table}: {_line(*rest)}" for table, *rest in session.execute(_SHUTTERS)]


def _line(pid: object, user: object, application: object, state: object, since: object, query: object) -> str:
    if not pid:
        return "a prepared transaction (see pg_prepared_xacts)"
    told = f", {state}" if state else ""
    return f"pid {pid} (user {user}, {application}{told}, since {since}): {query}"
