"""PostgreSQL's part of asking the target about a plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from lockgate.dialects.base import BareSession
from lockgate.dialects.postgres import ask_demands, ask_estimate, ask_preflight, ask_rows, ask_workload
from lockgate.dialects.postgres.own_names import own_names
from lockgate.hazards.answers import Preflight, Workload
from lockgate.hazards.demands import Demand
from lockgate.hazards.questions import Check
from lockgate.hazards.workload import Tried
from lockgate.permit import Session

_NAMES = """
select n.nspname || '.' || c.relname, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'm', 'f') and n.nspname || '.' || c.relname = any(:tables)
"""


class PostgresQuestions:
    """See `Questions`."""

    tells_reads = True
    knows_queries = True

    def names(self, session: Session, tables: Collection[str]) -> Mapping[str, str]:
        with own_names(session):
            return {str(path): str(name) for path, name in session.execute(_NAMES, {"tables": list(tables)})}

    def demands(self, session: Session, tables: Collection[str]) -> Sequence[Demand]:
        with own_names(session):
            return ask_demands.demands(session, tables)

    def sql(self, session: Session, check: Check, names: Mapping[str, str]) -> str:
        session.execute("set local row_security = off")  # a constraint sees all rows: where this role may not, the question is refused
        return ask_rows.sql(check, names, major(session)).replace("select ", f"select {ask_workload.OURS} ", 1)

    def estimated(self, session: BareSession, check: Check) -> int:
        return ask_estimate.estimated(session, check, major(session))

    def preflight(self, session: Session, needed: Mapping[str, Collection[str]]) -> Preflight:
        with own_names(session):
            return ask_preflight.preflight(session, needed)

    def workload(self, session: Session, most: int) -> Workload:
        with own_names(session):
            return ask_workload.workload(session, most)

    def tried(self, session: Session, queries: Sequence[str]) -> Sequence[Tried]:
        return ask_workload.tried(session, queries)


def major(session: Session) -> int:
    """Return the server's major version."""
    return int(str(session.execute("select pg_catalog.current_setting('server_version_num')")[0][0])) // 10000
