"""The schema of one database made again in another one of the same server, from what SHOW CREATE says."""

from __future__ import annotations

import re

from lockgate.dialects.mysql.catalog import NOT_OURS, literal, quoted
from lockgate.dialects.mysql.session import MysqlSession, connect, open_session
from lockgate.dialects.mysql.trace_jail import elsewhere, others
from lockgate.errors import Unreachable
from lockgate.hazards.effects import SCHEMA, Size
from lockgate.permit import Session
from lockgate.secret import DatabaseUrl

COPY_OF = "plan_of"  # setting of the registry: the database that a scratch database is a copy of
_TIMEOUT_S = 10.0
_RELATIONS = f"""
select table_name, table_type from information_schema.tables
 where table_schema = database() and {NOT_OURS.format("table_name")} order by table_type = 'VIEW', 1
"""
_TRIGGERS = f"""
select trigger_name from information_schema.triggers
 where trigger_schema = database() and {NOT_OURS.format("event_object_table")} order by action_order, 1
"""
_SIZES = f"""
select concat(t.table_schema, '.', t.table_name), coalesce(t.table_rows, -1), coalesce(t.data_length, 0), coalesce(t.index_length, 0),
       (select count(distinct s.index_name) from information_schema.statistics s where s.table_schema = t.table_schema and s.table_name = t.table_name)
  from information_schema.tables t where t.table_schema = database() and t.table_type <> 'VIEW' and {NOT_OURS.format("t.table_name")}
 order by 3 desc, 1
"""
_DEFINER = re.compile(r"\sDEFINER\s*=\s*(?:`[^`]*`|'[^']*'|\S+?)@(?:`[^`]*`|'[^']*'|\S+)", re.I)

_ELSEWHERE = re.compile(r"\bENGINE=(FEDERATED|CONNECT|SPIDER|S3)\b", re.I)


def copy(source: DatabaseUrl, scratch: DatabaseUrl, patience: float) -> str:
    """
    Make tables, sequences, views and triggers again, without rows; stored routines and events are left out.

    Args:
        patience: seconds, rounded up to whole ones, to wait for a table whose definition somebody is changing.
    Raises:
        Unreachable: `no-plan`, where the server refuses, or a view or trigger names another database.
    """
    with open_session(source, _TIMEOUT_S, write=False) as original:
        original.execute(f"set session lock_wait_timeout = {max(1, round(patience))}")
        views, statements = _texts(original, source)
        triggers = _triggers(original, source)
    connection = connect(scratch, _TIMEOUT_S, write=True)
    session = MysqlSession(connection, scratch)
    try:
        connection.autocommit(True)
        session.execute("set session foreign_key_checks = 0, sql_mode = ''")
        session.write(f"replace into lockgate_setting (name, value) values ({literal(COPY_OF)}, {literal(source.database)})")
        for statement in statements:
            _make(session, statement, source)
        _make_views(session, views, source)
        for statement in triggers:
            _make(session, statement, source)
    finally:
        session.close()
    return SCHEMA


def sizes(session: Session) -> tuple[Size, ...]:
    """Read the server's statistics."""
    return tuple(
        Size(path=str(path), rows=int(str(rows)), heap_bytes=int(str(heap)), index_bytes=int(str(index)), indexes=int(str(indexes)))
        for path, rows, heap, index, indexes in session.execute(_SIZES)
    )


def _texts(session: MysqlSession, source: DatabaseUrl) -> tuple[list[str], list[str]]:
    """Views and all the rest, as statements."""
    views: list[str] = []
    rest: list[str] = []
    for name, kind in session.execute(_RELATIONS):
        word = "view" if kind == "VIEW" else "table"
        text = str(session.execute(f"show create {word} {quoted(str(name))}")[0][1])
        (views if word == "view" else rest).append(text)
    for text in rest:
        if engine := _ELSEWHERE.search(text):
            what = f"a table of engine {engine[1]} cannot be copied to a scratch database: it would lead to the same rows elsewhere"
            raise Unreachable("no-plan", what, source.place, "read the SQL instead: alembic upgrade head --sql")
    return [_own(text, session, source) for text in views], [_own(text, session, source) for text in rest]


def _triggers(session: MysqlSession, source: DatabaseUrl) -> list[str]:
    names = [str(name) for (name,) in session.execute(_TRIGGERS)]
    return [_own(str(session.execute(f"show create trigger {quoted(name)}")[0][2]), session, source) for name in names]


def _own(text: str, session: MysqlSession, source: DatabaseUrl) -> str:
    """A definition for another database: neither whose it is nor where it stands; a default may name a sequence with its database."""
    plain = _DEFINER.sub("", text, count=1).replace(f"{quoted(source.database)}.", "")
    if reason := elsewhere(plain, (source.database, *others(session))):
        what = f"a table, view or trigger cannot be copied to a scratch database: {reason}"
        raise Unreachable("no-plan", what, source.place, "read the SQL instead: alembic upgrade head --sql")
    return plain


def _make_views(session: MysqlSession, views: list[str], source: DatabaseUrl) -> None:
    """A view may stand on another one: those that fail are tried again as long as any can be made."""
    while views:
        left = [text for text in views if not _made(session, text)]
        if len(left) == len(views):
            _make(session, left[0], source)
        views = left


def _made(session: MysqlSession, text: str) -> bool:
    from pymysql.err import Error

    try:
        session.execute(text)
    except Error:
        return False
    return True


def _make(session: MysqlSession, text: str, source: DatabaseUrl) -> None:
    from pymysql.err import Error

    try:
        session.execute(text)
    except Error as error:
        what = f"the scratch database cannot be given the schema: {error.args[-1]}"
        raise Unreachable("no-plan", what, source.place, "the role needs all privileges on `lockgate_%`.*, and SHOW VIEW and TRIGGER here") from error
