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

import chromium
import pytest
from building import Tiny, tiny
from maria import MISSING, Maria, is_installed, mariadb

from lockgate import secret
from lockgate.secret import DatabaseUrl

NAMES = frozenset({"COMBINE_ENV", "CONFIRM_ENV", "CI", "ALLOW_DESTRUCTIVE_IN_CI", "DATABASE_URL"})
TERMINAL = frozenset({"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"})
PREFIXES = ("LOCKGATE_", "AWS_", "PG")
SUFFIXES = ("_DATABASE_URL",)
# Nothing of the person who runs the tests: no profile, no credentials file, no question to a metadata service.
HERMETIC = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}

# Batteries that run on MariaDB, too: those about what the dialect itself does. The others are about rooms that no dialect changes.
ON_MARIADB = frozenset(
    "test_locks test_look test_upgrade test_rivals test_reset_downgrade_stamp test_reading_creates_nothing test_bootstrap test_rows test_seed test_ledger_chain".split()
)

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


@pytest.fixture(scope="session")
def older_postgres_server() -> Iterator[Any]:
    """The test process's own server of PostgreSQL 15, for tests that ask whether it is there."""
    from older_server import older_server

    with older_server() as server:
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


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[Maria]:
    """The test process's own MariaDB server, by its Unix socket only; see `maria.py`."""
    with mariadb() as server:
        yield server


@pytest.fixture
def make_mariadb_database(mariadb_server: Maria) -> Iterator[Callable[[], DatabaseUrl]]:
    """Each call gives the URL of one more empty database; all are dropped after the test."""
    made: list[str] = []

    def make() -> DatabaseUrl:
        made.append(f"test_{next(_numbers)}")
        mariadb_server.run(f"create database {made[-1]}")
        return mariadb_server.url(made[-1])

    yield make
    for name in made:
        mariadb_server.drop(name)


@pytest.fixture
def mariadb_url(make_mariadb_database: Callable[[], DatabaseUrl]) -> DatabaseUrl:
    """An empty MariaDB database of the test's own."""
    return make_mariadb_database()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a battery once for each database: PostgreSQL, SQLite, and MariaDB where its server is installed and the test is essential."""
    chosen = [mark for mark in metafunc.definition.iter_markers("parametrize") if mark.args[0] == "database_url"]
    if "database_url" not in metafunc.fixturenames or chosen:
        return
    databases = ["postgresql", "sqlite"]
    essential = metafunc.module.__name__.rpartition(".")[2] in ON_MARIADB and not metafunc.definition.get_closest_marker("not_on_mariadb")
    if is_installed() and essential:
        databases.append("mariadb")
    metafunc.parametrize("database_url", databases, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Slow tests come first: at the end, one would run while the other workers have nothing left. And see `_leave_out`."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    if not is_installed():
        _leave_out(items)


def _leave_out(items: list[pytest.Item]) -> None:
    """Without the server nothing that needs it is collected, and the last line of the report says so."""
    out = [item for item in items if "mariadb_server" in getattr(item, "fixturenames", ())]
    items[:] = [item for item in items if item not in out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what was not run."""
    if not is_installed():
        terminalreporter.write_line(MISSING)
    if not chromium.program():
        terminalreporter.write_line(chromium.MISSING)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> DatabaseUrl:
    """An empty database of each product: one battery for all."""
    fixtures = {"postgresql": "postgres_url", "sqlite": "sqlite_url", "mariadb": "mariadb_url"}
    url: DatabaseUrl = request.getfixturevalue(fixtures[request.param])
    return url


@pytest.fixture
def project(tmp_path: Path) -> Tiny:
    """A project with Alembic's generic env.py and no revision yet."""
    folder = tmp_path / "project"
    folder.mkdir()
    return tiny(folder)
