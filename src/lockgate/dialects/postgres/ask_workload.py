"""Queries that a server has counted, and how a schema takes them; none of them is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from lockgate.dialects.postgres.empty import quoted
from lockgate.dialects.postgres.session import PostgresSession
from lockgate.hazards.answers import Query, Workload
from lockgate.hazards.command import command_of, reads_or_writes_rows
from lockgate.hazards.workload import Tried
from lockgate.permit import Session
from lockgate.secret import redact

SOURCE = "pg_stat_statements"
OURS = "/* lockgate */"  # in a question of a plan: the server counts it like a query of an application
_SCHEMA = """
select n.nspname, exists (select 1 from pg_catalog.pg_class c where c.relnamespace = n.oid and c.relname = 'pg_stat_statements_info')
  from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_stat_statements'
"""
# The text of somebody else's statement is hidden from whom has not pg_read_all_stats; its number is then NULL, too.
_QUERIES = """
select s.query, sum(s.calls)::bigint from {schema}.pg_stat_statements s
 where s.dbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()) and s.queryid is not null
   and pg_catalog.strpos(s.query, '{ours}') operator(pg_catalog.=) 0
 group by s.query order by 2 desc, 1
"""
_HOURS = """
select coalesce(extract(epoch from pg_catalog.clock_timestamp() - i.stats_reset)::float8 / 3600, 0) from {schema}.pg_stat_statements_info i
"""
# A trigger may fill in what an INSERT leaves out: 2 is BEFORE, 4 is INSERT (pg_trigger.h).
_REQUIRED = """
select a.attname, a.attnotnull and not exists (
         select 1 from pg_catalog.pg_trigger g where g.tgrelid = a.attrelid and g.tgtype & 6 = 6)
  from pg_catalog.pg_attribute a where a.attnum > 0 and a.attrelid = (
         select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where n.nspname = :schema and c.relname = :table)
 order by a.attnum
"""


def workload(session: Session, most: int) -> Workload:
    """See `Questions.workload`."""
    found = session.execute(_SCHEMA)
    if not found:
        return Workload(source=SOURCE, unknown="the extension pg_stat_statements is not installed in this database")
    schema, tells_since = quoted(str(found[0][0])), found[0][1]
    rows = session.execute(_QUERIES.format(schema=schema, ours=OURS))
    queries = [Query(text=str(text), calls=int(str(calls))) for text, calls in rows if reads_or_writes_rows(command_of(str(text)))]
    hours = float(str(session.execute(_HOURS.format(schema=schema))[0][0])) if tells_since else 0.0
    unknown = "" if queries else "pg_stat_statements shows this role no query of this database"
    return Workload(source=SOURCE, hours=hours, queries=tuple(queries[:most]), unknown=unknown)


def tried(session: Session, queries: Sequence[str]) -> list[Tried]:
    """See `Questions.tried`. Parsed only, as by PREPARE, but one statement at most."""
    connection = cast("PostgresSession", session).connection
    return [_tried(session, connection.pgconn, query.rstrip("; \n")) for query in queries]


def _tried(session: Session, wire: Any, query: str) -> Tried:
    import psycopg

    done = wire.prepare(b"", query.encode())
    if state := done.error_field(ord("C")):
        message = done.error_field(ord("M")) or b""
        return Tried(state.decode(), redact(message.decode(errors="replace")))
    described = wire.describe_prepared(b"")
    result = tuple((described.fname(place).decode(errors="replace"), described.ftype(place)) for place in range(described.nfields))
    try:
        return Tried(result=result, leaves_out=tuple(_left_out(session, query)) if command_of(query) == "INSERT" else ())
    except (psycopg.Error, LookupError, ValueError):  # before PostgreSQL 16, or a rule in the place of the INSERT: there is no such plan
        return Tried(result=result)
    finally:
        session.rollback()  # the next query must not find the transaction of this one


def _left_out(session: Session, query: str) -> Iterator[str]:
    """What the planner fills with NULL because the query says nothing about it."""
    ((plan,),) = session.execute(f"explain (generic_plan, verbose, format json) {query}")
    for node in _inserts(cast("Any", plan)[0]["Plan"]):
        schema, table = node["Schema"], node["Relation Name"]
        required = session.execute(_REQUIRED, {"schema": schema, "table": table})
        for (name, needed), value in zip(required, node["Plans"][0].get("Output", ()), strict=False):
            if needed and value.startswith("NULL::"):
                yield f"{schema}.{table}.{name}"


def _inserts(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node.get("Operation") == "Insert":
        yield node
    for inner in node.get("Plans", ()):
        yield from _inserts(inner)
