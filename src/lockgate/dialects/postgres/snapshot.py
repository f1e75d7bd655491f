"""The schema of a PostgreSQL database as a snapshot."""

from __future__ import annotations

from lockgate.dialects.postgres.snapshot_objects import read_grants, read_objects
from lockgate.dialects.postgres.snapshot_tables import read_tables
from lockgate.drift.items import Item
from lockgate.drift.snapshot import Snapshot, make_snapshot
from lockgate.permit import Session
from lockgate.words import VersionTable

_SERVER = "select pg_catalog.current_setting('server_version_num')::int / 10000, pg_catalog.current_setting('search_path')"
_SEARCH = "select pg_catalog.set_config('search_path', :path, true)"


def snapshot(session: Session, version_table: VersionTable, heads: tuple[str, ...], grants: bool) -> Snapshot:
    """
    Read the schema in about fifteen queries; see `Dialect.snapshot`.

    The server leaves out the schema of a name that the search_path finds: what is read must not depend on the role's own.
    """
    major, path = session.execute(_SERVER)[0]
    session.execute(_SEARCH, {"path": "public"})
    try:
        found = [*read_objects(session), *read_tables(session), *(read_grants(session) if grants else ())]
    finally:
        session.execute(_SEARCH, {"path": str(path)})
    items = [item for item in found if not _is_version_table(item, version_table)]
    return make_snapshot(items, product="postgresql", server=str(major), heads=heads, grants_read=grants)


def _is_version_table(item: Item, table: VersionTable) -> bool:
    """Alembic's own table, with its columns and its primary key; in whichever schema where env.py names none."""
    name = item.owner or getattr(item, "name", "")
    return name == table.name and table.schema in ("", getattr(item, "schema", None))
