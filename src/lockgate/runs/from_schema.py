"""An empty database from the project's schema file: loaded, stamped and written into the ledger in one transaction."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lockgate.alembic_seam.handed import engine_connection, stamp_within
from lockgate.alembic_seam.run import Errand, Surveyed
from lockgate.dialects.alchemy import AlchemySession
from lockgate.dialects.parts import Patience
from lockgate.errors import Failed, LockgateError, Refused, UsageError
from lockgate.events import Notice, Notify
from lockgate.files import graph_of, read_alembic_layout, read_text, recall_trees
from lockgate.files.digest import beside_digest
from lockgate.graph import Graph, SchemaFile, fingerprint, read_schema_file, stale
from lockgate.permit import Permit
from lockgate.registry import ledger
from lockgate.runs.arrival import Arrival
from lockgate.runs.through import BetweenPasses
from lockgate.secret import redact
from lockgate.settings.project import Project

PRODUCTS = ("postgresql", "sqlite")  # whose schema can be kept


def schema_path(project: Project, product: str) -> Path:
    """
    Where the schema file of a product stands: in the folder of env.py.

    Args:
        product: the dialect's name.
    Raises:
        UsageError: `alembic-settings` where only Alembic knows that folder.
    """
    layout = read_alembic_layout(project)
    if not layout.known:
        hint = "write `script_location` as a plain path"
        raise UsageError("alembic-settings", "a schema file needs a `script_location` that can be read", project.alembic_ini, hint)
    return Path(layout.script_location) / f"schema.{product}.sql"


def read_fresh(project: Project, product: str, graph: Graph, path: str = "") -> SchemaFile:
    """
    Read the schema file.

    Args:
        path: another file than the project's own.
    Raises:
        Failed: `schema-stale`: missing, edited, or made from other revisions than there are now.
    """
    file = Path(path) if path else schema_path(project, product)
    name = os.path.relpath(file, project.folder)
    if not file.is_file():
        raise stale(f"there is no `{name}`", name)
    return read_schema_file(name, read_text(file, "schema-stale"), graph, beside_digest(project))


def fresh(project: Project, product: str) -> bool:
    """Whether the project has a schema file that belongs to its revisions as they are now."""
    try:
        read_fresh(project, product, graph_of(project))
    except LockgateError:
        return False
    return True


def stale_files(project: Project) -> tuple[LockgateError, ...]:
    """Say of each schema file that the project keeps why it cannot be used; empty where all can, or there is none."""
    found, layout = [], read_alembic_layout(project)
    for product in PRODUCTS if layout.known else ():
        try:
            if schema_path(project, product).is_file():
                read_fresh(project, product, graph_of(project))
        except LockgateError as error:
            found.append(error)
    return tuple(found)


def loaded(arrival: Arrival, to: str, notify: Notify) -> BetweenPasses:
    """
    Return what is to happen between the passes of env.py: the schema file is loaded.

    Raises:
        Refused: `not-empty`.
        Failed: `schema-stale`.
        UsageError: `usage` for another target than the head; `database-unsupported` where DDL cannot be undone.
    """
    product = arrival.target.url.backend
    if to not in ("head", "heads"):
        raise UsageError("usage", f"the schema file is of the head, not of `{to}`", arrival.target.where, "leave REVISION out")
    if arrival.target.dialect.features.journal:
        what = "a schema file needs a database that can undo DDL: PostgreSQL or SQLite"
        raise UsageError("database-unsupported", what, arrival.target.where, "leave `--from-snapshot` out: the revisions are run")
    _check_empty(arrival, arrival.sight.empty)
    recall_trees(arrival.graph)
    file = read_fresh(arrival.project, product, arrival.graph, arrival.request.from_schema or "")

    def between(task: Errand, surveyed: Surveyed) -> str:
        notify(
            Notice(f"loading {file.name} (revision {', '.join(file.heads)}) instead of running {len(arrival.graph.revisions)} revisions")
        )
        _load(arrival, file, task, surveyed, notify)
        return f"loaded {file.name}, now at {', '.join(f'`{head}`' for head in file.heads)}"

    return between


def _check_empty(arrival: Arrival, empty: bool) -> None:
    if not empty:
        what = "refused to load the schema file: this database is not empty"
        raise Refused("not-empty", what, arrival.target.where, f"lockgate upgrade {arrival.request.environment}")


def _load(arrival: Arrival, file: SchemaFile, task: Errand, surveyed: Surveyed, notify: Notify) -> None:
    dialect, environment = arrival.target.dialect, arrival.target.environment
    with engine_connection(dialect.bootstrap_url(arrival.target.url)) as connection:
        patience = Patience(environment.lock_wait, lambda text: notify(Notice(text)))
        dialect.prepare(connection, environment.lock_timeout, None, patience)
        try:
            permit = arrival.gate.enter(AlchemySession(connection), dialect, surveyed.version_table)
            _check_empty(arrival, permit.sight.empty)  # under the lock again: a rival may have been faster
            connection.rollback()
            connection.begin()
            _run(arrival, file, permit, connection)
            stamp_within(connection, task.script, surveyed.version_table, *file.heads)
            _write_down(arrival, file, permit)
            connection.commit()
        finally:
            connection.rollback()
            arrival.gate.leave()


def _run(arrival: Arrival, file: SchemaFile, permit: Permit, connection: Any) -> None:
    dialect = arrival.target.dialect
    try:
        dialect.run_script(permit, connection, file.body)
    except LockgateError as error:
        error.where = error.where or file.name
        error.hint = f"the file was made on {file.server}; leave `--from-snapshot` out to run the revisions"
        raise
    except Exception as error:
        if dialect.facts(getattr(error, "orig", None) or error) is None:
            raise
        what = f"the schema file could not be loaded: {(redact(str(error)).strip().splitlines() or [''])[0]}"
        raise Failed("bootstrap-failed", what, file.name, "leave `--from-snapshot` out to run the revisions") from error


def _write_down(arrival: Arrival, file: SchemaFile, permit: Permit) -> None:
    """One row for each revision, with the fingerprint of its file: an edit is noticed later as if it had been run here."""
    dialect, details = arrival.target.dialect, f"not run: loaded from {file.name}"
    sources = [(id_, fingerprint(arrival.graph.revisions[id_].text)) for id_ in arrival.graph.pending(())]
    (id_, source), *others = sources
    event = ledger.Event("loaded", id_, (), file.heads, details=details, source=source)
    ledger.append_alike(permit, dialect.features.registry_prefix, event, others, dialect.ledger_guard())
