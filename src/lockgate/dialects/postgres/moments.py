"""The time of a transaction, found in rows and moved: what `now()` wrote once looks as if another run had written it."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.dialects.postgres.empty import quoted
from lockgate.dialects.postgres.own_names import own_names
from lockgate.dialects.postgres.rows_shape import sql_name
from lockgate.permit import Session
from lockgate.seeds.spec import TableName

# A date that is today's may have been written out; a moment to the microsecond is the transaction's own.
_COLUMNS = """
select a.attname::text, t.typname::text
  from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
 where a.attrelid = pg_catalog.to_regclass(:name) and a.attnum > 0 and not a.attisdropped and a.attgenerated::text = ''
   and t.typname in ('timestamp', 'timestamptz', 'text', 'varchar')
"""
_NOW = {
    "timestamptz": "pg_catalog.now()",
    "timestamp": "any (array[localtimestamp, pg_catalog.now() at time zone 'utc'])",
    **dict.fromkeys(("text", "varchar"), "any (array[pg_catalog.now()::text, localtimestamp::text])"),
}
_EARLIER = {**dict.fromkeys(("timestamptz", "timestamp"), "{} - interval '1 day'"), **dict.fromkeys(("text", "varchar"), "'an earlier time'")}
_UPDATES = """
select coalesce(sum(n_tup_ins + n_tup_upd), 0) from pg_catalog.pg_stat_xact_user_tables
 where relid = pg_catalog.to_regclass(:name)
"""
_SAVEPOINT = "lockgate_moments"


def age(session: Session, tables: Sequence[TableName]) -> list[TableName]:
    """Move the transaction's time in these tables a day back; return those in which a trigger undid it."""
    return [table for table in tables if _stays(session, table)]


def _stays(session: Session, table: TableName) -> bool:
    with own_names(session):
        columns = [(str(name), str(kind)) for name, kind in session.execute(_COLUMNS, {"name": sql_name(table)})]
    moved = [pair for pair in _holding(session, table, columns) if _moved(session, table, *pair)]
    return bool(_holding(session, table, moved))


def _holding(session: Session, table: TableName, columns: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the columns in which the transaction's time stands, found in one scan."""
    if not columns:
        return []
    flags = ", ".join(f"pg_catalog.bool_or({quoted(name)} = {_NOW[kind]})" for name, kind in columns)
    found = session.execute(f"select {flags} from {sql_name(table)}")[0]
    return [pair for pair, holds in zip(columns, found, strict=True) if holds]


def _moved(session: Session, table: TableName, column: str, kind: str) -> bool:
    import psycopg

    name = quoted(column)
    session.execute(f"savepoint {_SAVEPOINT}")
    try:
        session.execute(f"update {sql_name(table)} set {name} = {_EARLIER[kind].format(name)} where {name} = {_NOW[kind]}")
    except psycopg.Error:  # a constraint of the table, or a role that may only insert: then the proof has to do without
        session.execute(f"rollback to savepoint {_SAVEPOINT}")
        return False
    return True


def updates(session: Session, table: TableName) -> int:
    """How many rows the transaction has inserted or updated, by the server's own counters."""
    with own_names(session):
        return int(str(session.execute(_UPDATES, {"name": sql_name(table)})[0][0]))
