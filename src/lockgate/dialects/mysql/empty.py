"""Dropping every user object of a MariaDB or MySQL database, for `reset`."""

from __future__ import annotations

from lockgate.dialects.mysql.catalog import NOT_OURS, quoted
from lockgate.permit import Permit
from lockgate.words import VersionTable

_RELATIONS = f"""
select case table_type when 'VIEW' then 'view' when 'SEQUENCE' then 'sequence' else 'table' end as kind, table_name
  from information_schema.tables where table_schema = database() and {NOT_OURS.format("table_name")} order by kind desc, 2
"""
_ROUTINES = "select lower(routine_type), routine_name from information_schema.routines where routine_schema = database() order by 1, 2"
_EVENTS = "select 'event', event_name from information_schema.events where event_schema = database() order by 2"


def drop_everything(permit: Permit, version_table: VersionTable) -> list[str]:
    """
    Drop views, tables, sequences, routines and events; the registry stays.

    Each DROP commits. Alembic's version table goes first: a reset that is broken off must not leave a database that claims to be
    at a revision whose tables are gone.
    """
    session = permit.session
    rows = [row for sql in (_RELATIONS, _ROUTINES, _EVENTS) for row in session.execute(sql)]
    found = sorted(((str(kind), str(name)) for kind, name in rows), key=lambda pair: pair != ("table", version_table.name))
    session.execute("set session foreign_key_checks = 0")
    try:
        for kind, name in found:
            session.execute(f"drop {kind} if exists {quoted(name)}")
    finally:
        session.execute("set session foreign_key_checks = 1")
    return [f"{kind} {name}" for kind, name in found]
