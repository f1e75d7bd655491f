"""A connection made from the environment's URL, for an env.py that wants one handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from lockgate.dialects.base import Dialect
from lockgate.secret import DatabaseUrl
from lockgate.words import VersionTable


@contextmanager
def engine_connection(url: DatabaseUrl) -> Iterator[Connection]:
    """Connect by SQLAlchemy; statements never show their parameters."""
    engine = create_engine(url.render().reveal(), poolclass=NullPool, hide_parameters=True)
    with engine.connect() as connection:
        yield connection


@contextmanager
def handed_connection(config: Config, url: DatabaseUrl, wanted: bool) -> Iterator[None]:
    """Put a connection into `config.attributes["connection"]` while the block runs, where the settings say so."""
    if not wanted:
        yield
        return
    with engine_connection(url) as connection:
        config.attributes["connection"] = connection
        try:
            yield
        finally:
            del config.attributes["connection"]


def stamp_within(connection: Any, script: ScriptDirectory, table: VersionTable, *revisions: str) -> None:
    """Write the version table in the transaction that is open on `connection`."""
    _context(connection, table).stamp(script, revisions)  # type: ignore[arg-type]  # it takes several


def listed(steps_of: Callable[[Any, Any], Any], connection: Any, dialect: Dialect, table: VersionTable) -> Callable[[Any, Any], Any]:
    """
    List the steps that lead on from the version table, which is read as Alembic reads it; return what lists them from now on.

    Where another run makes the table at this very moment, and this transaction is too old to see it, nothing is listed before the lock is held.
    """
    try:
        heads = tuple(sorted(_context(connection, table).get_current_heads()))
    except DBAPIError as error:
        facts = dialect.facts(error.orig) if error.orig else None
        if facts is None or facts.kind != "stale-snapshot":
            raise
        return steps_of
    steps = list(steps_of(heads, None))
    return lambda found, context: steps if tuple(sorted(found)) == heads else steps_of(found, context)


def _context(connection: Any, table: VersionTable) -> MigrationContext:
    options = {"version_table": table.name, "version_table_schema": table.schema or None}
    return MigrationContext.configure(connection, opts=options)
