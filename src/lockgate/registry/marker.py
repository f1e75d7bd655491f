"""The identity marker, and the few settings that are kept beside it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

from lockgate.permit import Permit, Session
from lockgate.words import Cluster, Identity, VersionTable


@dataclass(frozen=True)
class Record:
    """
    What the registry says.

    Args:
        version: of the registry itself; 0 where there is none.
        version_table: as the last run resolved it; None where no run did.
        tables: user tables that the last run left; None where no run did.
    """

    identity: Identity | None = None
    version: int = 0
    version_table: VersionTable | None = None
    tables: tuple[str, ...] | None = None


def read(session: Session, prefix: str, moment_text: str) -> Record:
    """Read marker and settings from an existing registry."""
    settings = {str(name): str(value) for name, value in session.execute(f"select name, value from {prefix}setting")}
    rows = session.execute(
        "select environment, project, marker_id, cluster_kind, cluster_system, cluster_database, cluster_source,"
        f" {moment_text.format('adopted_at')}, adopted_by from {prefix}marker"
    )
    identity = None
    if rows:
        environment, project, marker_id, kind, system, database, source, at, by = (str(value) for value in rows[0])
        identity = Identity(environment, project, marker_id, Cluster(kind, system, database, source), at, by)
    table = json.loads(settings["version_table"]) if "version_table" in settings else None
    return Record(
        identity,
        int(settings.get("registry_version", "0")),
        VersionTable(*table) if table else None,
        tuple(json.loads(settings["tables"])) if "tables" in settings else None,
    )


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
