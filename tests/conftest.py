"""
What every test may ask for: a clean environment and empty databases.

One throw-away PostgreSQL server per test process (so one per xdist worker), reached by its Unix socket only, started by the
first test that needs it and gone with the process; every test gets a database of its own on it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from building import Tiny, tiny

from lockgate import secret
from lockgate.secret import DatabaseUrl

NAMES = frozenset({"COMBINE_ENV", "CONFIRM_ENV", "CI", "ALLOW_DESTRUCTIVE_IN_CI", "DATABASE_URL"})
TERMINAL = frozenset({"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"})
PREFIXES = ("LOCKGATE_", "AWS_", "PG")
SUFFIXES = ("_DATABASE_URL",)
# Nothing of the person who runs the tests: no profile, no credentials file, no question to a metadata service.
HERMETIC = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}

_numbers = itertools.count(1)


def _clean(environ: MutableMapping[str, str]) -> None:
    for name in [n for n in environ if n in NAMES | TERMINAL or n.startswith(PREFIXES) or n.endswith(SUFFIXES)]:
        del environ[name]
    environ.update(HERMETIC)


def pytest_configure() -> None:
    """Clean the process before the first session fixture: a `PGPORT` of the caller's must not reach the server."""
    _clean(os.environ)


@pytest.fixture(autouse=True)
def clean_environment() -> Iterator[None]:
    """No variable that lockgate, a driver or boto3 reads is set, and what a test sets ends with the test."""
    before = dict(os.environ)
    _clean(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def forgotten_secrets() -> Iterator[None]:
    """A password of one test masks nothing in the messages of the next: a made-up one may be an ordinary word."""
    before = set(secret._known)
    yield
    secret._known.intersection_update(before)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """The test process's own PostgreSQL server: `.url(database)`, `.create_database(name)`."""
    from lockgate.scratch import temporary_server  # here: the fast tests need no server and no driver

    with temporary_server() as server:
        server.write_carelessly()  # nobody will miss what a power cut takes
        yield server


@pytest.fixture
def make_postgres_database(postgres_server: Any) -> Iterator[Callable[[], DatabaseUrl]]:
    """Each call gives the URL of one more empty database; all are dropped after the test, open sessions or not."""
    made: list[str] = []

    def make() -> DatabaseUrl:
        name = f"test_{next(_numbers)}"
        postgres_server.create_database(name)
        made.append(name)
        url: DatabaseUrl = postgres_server.url(name)
        return url

    yield make
    if made:
        import psycopg

        with psycopg.connect(postgres_server.url("postgres").render().reveal(), autocommit=True) as connection:
            for name in made:
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def postgres_url(make_postgres_database: Callable[[], DatabaseUrl]) -> DatabaseUrl:
    """An empty PostgreSQL database of the test's own."""
    return make_postgres_database()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> DatabaseUrl:
    """A SQLite database whose file does not exist yet."""
    return DatabaseUrl("sqlite", database=str(tmp_path / "app.db"))


@pytest.fixture(params=["postgresql", "sqlite"])
def database_url(request: pytest.FixtureRequest) -> DatabaseUrl:
    """An empty database, once on PostgreSQL and once on SQLite: one battery for both."""
    url: DatabaseUrl = request.getfixturevalue("postgres_url" if request.param == "postgresql" else "sqlite_url")
    return url


@pytest.fixture
def project(tmp_path: Path) -> Tiny:
    """A project with Alembic's generic env.py and no revision yet."""
    folder = tmp_path / "project"
    folder.mkdir()
    return tiny(folder)
