"""The fixtures. SQLAlchemy, Alembic and the driver are loaded by the first one that is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from lockgate.pytest_plugin.state import BROKEN, FAILED, LEASES, SESSION, Leased

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from lockgate.errors import LockgateError
    from lockgate.runs.template import Template
    from lockgate.runs.test_databases import TestDatabases


class SchemaTemplate:
    """
    The project's migrated database, from which copies are made; nobody can connect to it.

    Args:
        name: of the template in its server.
    """

    def __init__(self, databases: TestDatabases, template: Template) -> None:
        self._databases = databases
        self._template = template
        self.name = template.name

    @contextmanager
    def database(self) -> Iterator[str]:
        """Give a copy for the block, for fixtures of a wider scope than one test; yields its URL."""
        lease = self._databases.take(self._template)
        try:
            yield lease.text
        finally:
            self._databases.give(lease)


@pytest.fixture(scope="session")
def migrated_schema_template(request: pytest.FixtureRequest) -> SchemaTemplate:
    """The template of this session, migrated to its heads; `with migrated_schema_template.database() as url:` makes a copy."""
    databases = databases_of(request.config)
    return SchemaTemplate(databases, _template(databases, request.config, None))


@pytest.fixture
def migrated_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL, for SQLAlchemy, of a database of the test's own: migrated to the project's heads, with the seeds that the test is marked with."""
    databases = databases_of(request.config)
    lease = databases.take(_template(databases, request.config, request.node.get_closest_marker("seeds")))
    stash = request.node.stash
    stash.setdefault(LEASES, []).append(Leased(databases, lease))
    yield lease.text
    if stash.get(FAILED, False):
        databases.keep(lease)
    else:
        databases.give(lease)


@pytest.fixture
def migrated_engine(migrated_database: str) -> Iterator[Engine]:
    """A SQLAlchemy engine on `migrated_database`; disposed of after the test."""
    from sqlalchemy import create_engine

    engine = create_engine(migrated_database)
    yield engine
    engine.dispose()


@pytest.fixture
def migrated_connection(migrated_engine: Engine) -> Iterator[Connection]:
    """A SQLAlchemy connection in a transaction that is rolled back after the test."""
    with migrated_engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        if transaction.is_active:
            transaction.rollback()


def databases_of(config: pytest.Config) -> TestDatabases:
    """Return the databases of this process; a test that asks for them fails where there are none."""
    from lockgate.errors import LockgateError
    from lockgate.pytest_plugin.hooks import address_of, environ, project_folder
    from lockgate.runs.test_databases import TestDatabases, Wish

    if BROKEN in config.stash:
        _give_up(config.stash[BROKEN])
    if SESSION not in config.stash:
        try:
            wish = Wish(project_folder(config), environ(), address_of(config), bool(config.getoption("--lockgate-keep")))
            config.stash[SESSION] = TestDatabases(wish)
        except LockgateError as error:
            config.stash[BROKEN] = error
            _give_up(error)
    return config.stash[SESSION]


def _template(databases: TestDatabases, config: pytest.Config, seeds: pytest.Mark | None) -> Template:
    from lockgate.errors import LockgateError

    try:
        return databases.template(seeds.args if seeds else (), all_seeds=bool(seeds and not seeds.args))
    except LockgateError as error:
        if not seeds:
            config.stash[BROKEN] = error
        return _give_up(error)


def _give_up(error: LockgateError) -> Template:
    """End the test with the error as the command line would show it; a traceback through lockgate would say less."""
    from lockgate.report.text import error as text_of

    raise pytest.fail.Exception(text_of(error), pytrace=False)
