"""The identity marker, and the few settings that are kept beside it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from functools import lru_cache

from lockgate.errors import Failed
from lockgate.permit import Permit, Session
from lockgate.records import dataclass
from lockgate.words import Cluster, Identity, VersionTable

_TABLE_WORDS = 2  # name and schema of a version table


@dataclass(frozen=True)
class Record:
    """
    What the registry says.

    Args:
        version: of the registry itself; 0 where there is none.
        version_table: as the last run resolved it; None where no run did.
        tables: user tables that the last run left; None where no run did.
        ledger_head: seal of the ledger's newest row; empty where there is none.
    """

    identity: Identity | None = None
    version: int = 0
    version_table: VersionTable | None = None
    tables: tuple[str, ...] | None = None
    ledger_head: str = ""


def read(session: Session, prefix: str, moment_text: str, chained: bool = True) -> Record:
    """
    Read marker, settings and the ledger's newest seal from an existing registry, by one question.

    Args:
        chained: False for a registry of version 1, whose ledger has no seals.
    Raises:
        Failed: `registry-damaged`: somebody else wrote there.
    """
    rows = session.execute(
        f"select s.name, s.value, {'h.digest' if chained else 'null'}, m.environment, m.project, m.marker_id,"
        f" m.cluster_kind, m.cluster_system, m.cluster_database, m.cluster_source, {moment_text.format('m.adopted_at')}, m.adopted_by"
        f" from (select 1 as one) o left join {prefix}setting s on true left join {prefix}marker m on true"
        + (f" left join {prefix}head_of_ledger h on true" if chained else "")
    )
    settings = {str(row[0]): str(row[1]) for row in rows if row[0] is not None}
    identity = None
    if rows[0][3] is not None:
        environment, project, marker_id, kind, system, database, source, at, by = (str(value) for value in rows[0][3:])
        identity = Identity(environment, project, marker_id, Cluster(kind, system, database, source), at, by)
    version = settings.get("registry_version", "0")
    # Without a marker it may be half made: where each table is committed by itself.
    if not version.isdecimal() or (identity is not None and int(version) < 1):
        raise damaged("registry_version")
    table = _texts(settings, "version_table")
    if table is not None and len(table) != _TABLE_WORDS:
        raise damaged("version_table")
    head = str(rows[0][2] or "")
    return Record(identity, int(version), VersionTable(*table) if table else None, _texts(settings, "tables"), head)


def _texts(settings: Mapping[str, str], name: str) -> tuple[str, ...] | None:
    if name not in settings:
        return None
    try:
        return _list_in(settings[name])
    except ValueError as error:
        raise damaged(name) from error


@lru_cache(maxsize=8)
def _list_in(text: str) -> tuple[str, ...]:
    """Read a list of texts; ValueError for anything else. A run looks several times, and the list may be of thousands of tables."""
    value = json.loads(text)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(text)
    return tuple(value)


def damaged(name: str) -> Failed:
    """Return the error that something in the registry is not as lockgate wrote it."""
    what = f"lockgate's own tables in this database are damaged: `{name}` is not what lockgate wrote"
    return Failed("registry-damaged", what, hint="restore them from a backup (schema `lockgate`, or tables `lockgate_...`)")


def name_of(session: Session, prefix: str) -> tuple[str, str] | None:
    """Return environment and project of the marker in an existing registry, for a look that must be cheap."""
    rows = session.execute(f"select environment, project from {prefix}marker")
    return (str(rows[0][0]), str(rows[0][1])) if rows else None


def write(session: Session, prefix: str, environment: str, project: str, cluster: Cluster, by: str) -> str:
    """Write the marker in place of the old one, in the open transaction; return its new id."""
    marker_id = str(uuid.uuid4())
    session.execute(f"delete from {prefix}marker")
    values = {
        "environment": environment,
        "project": project,
        "marker_id": marker_id,
        "kind": cluster.kind,
        "system": cluster.system,
        "database": cluster.database,
        "source": cluster.source,
        "by": by,
    }
    session.execute(
        f"insert into {prefix}marker (environment, project, marker_id, cluster_kind, cluster_system, cluster_database, cluster_source, adopted_by)"
        " values (:environment, :project, :marker_id, :kind, :system, :database, :source, :by)",
        values,
    )
    return marker_id


def keep(permit: Permit, prefix: str, version_table: VersionTable, tables: tuple[str, ...] | None) -> None:
    """Remember what a run resolved, where it differs from what is remembered."""
    if permit.sight.kept_version_table != version_table:
        _set(permit, prefix, "version_table", json.dumps([version_table.name, version_table.schema]))
    if tables is not None and permit.sight.kept_tables != tables:
        _set(permit, prefix, "tables", json.dumps(tables))
    permit.session.commit()


def _set(permit: Permit, prefix: str, name: str, value: str) -> None:
    permit.session.execute(f"delete from {prefix}setting where name {permit.spelling.equal} :name", {"name": name})
    permit.session.execute(f"insert into {prefix}setting (name, value) values (:name, :value)", {"name": name, "value": value})
