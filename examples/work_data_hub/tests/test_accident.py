"""
The accident of this project.

Somebody's settings were cached while they pointed at the live database. A fixture set `DATABASE_URL` to its temporary one, migrated it,
and put the variable back too early. Its teardown then went down to base, by what the settings knew: the live database.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from calling import ROOT, call
from live import make_live
from picture import everything

SUITE = '''
import os

import pytest
from alembic import command
from alembic.config import Config
from work_data_hub.config import get_settings
from work_data_hub.io.schema import migration_runner

def by_the_runner():
    migration_runner.downgrade(revision="base")

def by_alembic():
    command.downgrade(Config("alembic.ini"), "base")

@pytest.fixture(params=[by_the_runner, by_alembic], ids=lambda teardown: teardown.__name__)
def migrated(request, tmp_path):
    live = get_settings().database_uri.get_secret_value()  # cached from here on
    url = f"sqlite:///{(tmp_path / 'temporary.db').as_posix()}"
    os.environ["DATABASE_URL"] = url
    migration_runner.upgrade(url)
    os.environ["DATABASE_URL"] = live  # too early
    yield url
    request.param()

def test_something(migrated):
    assert migration_runner.current(migrated) == ("20260120_0915",)
'''


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_a_teardown_that_reaches_the_live_database_changes_nothing_and_fails_the_run(new_url: Callable[..., str], kind: str, tmp_path: Path) -> None:
    """Two roads to the same accident, in a suite that even confirms its downgrades; nobody reads a green run."""
    url = new_url(kind, f"latest_live_{kind}")
    make_live(url)
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "test_pipelines.py").write_text(SUITE, encoding="utf-8")
    (suite / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    before = everything(url)
    arguments = ("pytest", "-q", "-p", "no:cacheprovider", "-c", str(suite / "pytest.ini"), str(suite))
    ended = call(*arguments, DATABASE_URL=url, WDH_ENV="test", CONFIRM_ENV="test", PYTHONPATH=str(ROOT / "src"))
    assert ended.returncode == 1
    assert "2 passed, 2 errors" in ended.stdout, ended.stdout
    assert ended.stdout.count("refused to downgrade: this database says it is `live`, you asked for `test`") >= 2
    assert everything(url) == before
