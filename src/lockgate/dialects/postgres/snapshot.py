"""The schema of a PostgreSQL database as a snapshot."""

from __future__ import annotations

from collections.abc import Mapping

from lockgate.dialects.postgres.snapshot_objects import read_grants, read_objects
from lockgate.dialects.postgres.snapshot_tables import read_tables
from lockgate.drift.items import Item
from lockgate.drift.snapshot import Snapshot, make_snapshot
from lockgate.permit import Session
from lockgate.words import VersionTable

_MAJOR = "select pg_catalog.current_setting('server_version_num')::int / 10000"
# What decides how the server prints names, moments and intervals: it must not depend on the role, the database or the machine.
# And `jit`: compiling these questions takes longer than answering them.
_SETTINGS = {"search_path": "public", "TimeZone": "UTC", "DateStyle": "ISO, MDY", "IntervalStyle": "postgres", "jit": "off"}


def snapshot(session: Session, version_table: VersionTable, heads: tuple[str, ...], grants: bool) -> Snapshot:
    """Read the schema in about twenty queries; see `Dialect.snapshot`."""
    major = session.execute(_MAJOR)[0][0]
    before = session.execute("select " + ", ".join(f"pg_catalog.current_setting('{name}')" for name in _SETTINGS))[0]
    _set(session, _SETTINGS)
    found = [*read_objects(session), *read_tables(session), *(read_grants(session) if grants else ())]
    # Only after success: a failed query has broken the transaction, and its end takes the settings back.
    _set(session, dict(zip(_SETTINGS, map(str, before), strict=True)))
    items = [item for item in found if not _is_version_table(item, version_table)]
    return make_snapshot(items, product="postgresql", server=str(major), heads=heads, grants_read=grants)


def _set(session: Session, settings: Mapping[str, str]) -> None:
    """For the open transaction alone."""
    values = {name.lower(): value for name, value in settings.items()}
    session.execute("select " + ", ".join(f"pg_catalog.set_config('{name}', :{name}, true)" for name in values), values)


def _is_version_table(item: Item, table: VersionTable) -> bool:
    """Alembic's own table, with its columns and its primary key; in whichever schema where env.py names none."""
    name = item.owner or getattr(item, "name", "")
    return name == table.name and table.schema in ("", getattr(item, "schema", None))
