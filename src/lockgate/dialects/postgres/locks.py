"""lockgate's session advisory lock on PostgreSQL."""

from __future__ import annotations

from contextlib import suppress

from lockgate.dialects.postgres.wire import WATCH_CLIENT
from lockgate.permit import Session

# The eight bytes of "lockgate". Advisory locks are per database, so one number serves all
# (PostgreSQL manual, 13.3.5 Advisory Locks).
LOCK_KEY = int.from_bytes(b"lockgate", "big")
_HIGH, _LOW = LOCK_KEY >> 32, LOCK_KEY & 0xFFFFFFFF
_IS = "operator(pg_catalog.=)"  # in a revision's transaction the search_path is the project's
_HELD = (
    f"locktype {_IS} 'advisory' and classid {_IS} cast({_HIGH} as pg_catalog.oid) and objid {_IS} cast({_LOW} as pg_catalog.oid)"
    f" and objsubid {_IS} cast(1 as smallint) and granted"
)
# A backend has one database all its life, and so have its advisory locks; to ask for it would double what the question costs.
HELD_BY_ME = f"exists (select 1 from pg_catalog.pg_locks where {_HELD} and pid {_IS} pg_catalog.pg_backend_pid())"
NOT_ABORTED = " and coalesce(pg_catalog.txid_status(cast(:transaction as bigint)), '') operator(pg_catalog.<>) 'aborted'"
_HOLDER = f"""
select l.pid, a.application_name, a.usename, coalesce(a.client_addr::text, 'local socket'), date_trunc('second', a.backend_start)
  from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
 where {_HELD.replace("locktype", "l.locktype")}
   and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
"""
_NAME_BYTES = 63  # NAMEDATALEN - 1: the server cuts application_name there


class AdvisoryLock:
    """
    The session advisory lock of one database.

    Every try is a transaction of its own that ends at once: a backend that waits inside `pg_advisory_lock` holds a
    snapshot, and CREATE INDEX CONCURRENTLY waits for that snapshot: deadlock.
    """

    def __init__(self, session: Session, label: str) -> None:
        self._session = session
        self._label = label.encode()[:_NAME_BYTES].decode(errors="ignore")
        self._held = False

    def take(self) -> bool:
        """Try once; on success name ourselves for those who wait."""
        self._held = bool(self._session.execute(f"select pg_catalog.pg_try_advisory_lock({LOCK_KEY})")[0][0])
        if self._held:
            label = self._label.replace("'", "''")
            self._session.execute(f"set application_name = '{label}'")
        self._session.commit()
        if self._held:
            self._watch_client()
        return self._held

    def _watch_client(self) -> None:
        """Let the server notice soon when this process is gone, and the lock with it."""
        with suppress(Exception):  # a server on a system that cannot tell refuses to look
            self._session.execute(WATCH_CLIENT)
        self._session.commit()

    def holder(self) -> str:
        """Describe the session that holds the lock."""
        rows = self._session.execute(_HOLDER)
        self._session.rollback()
        if not rows:
            return ""
        pid, application, user, address, since = rows[0]
        return f"{application or 'a session without a name'} (user {user}, from {address}, pid {pid}, connected since {since})"

    def release(self) -> None:
        """Unlock; the server has done so already where the connection is gone."""
        if not self._held:
            return
        self._held = False
        self._session.rollback()
        self._session.execute(f"select pg_catalog.pg_advisory_unlock({LOCK_KEY})")
        self._session.execute("reset application_name")
        self._session.commit()
