"""Upgrades and downgrades on both databases: `pytest -m integration tests/io/schema/test_migrations.py`."""

from __future__ import annotations

import uuid
from itertools import pairwise
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from picture import catalog
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from work_data_hub.io.schema import migration_runner

from lockgate.pytest_plugin.checks import test_exceptions_are_revisions as test_exceptions_are_revisions
from lockgate.pytest_plugin.checks import test_history_has_one_head as test_history_has_one_head
from lockgate.pytest_plugin.checks import test_revision_goes_up_down_and_up_again as test_revision_goes_up_down_and_up_again
from lockgate.pytest_plugin.checks import test_revision_keeps_rows as test_revision_keeps_rows
from lockgate.pytest_plugin.checks import test_revisions_are_named_by_the_pattern as test_revisions_are_named_by_the_pattern
from lockgate.pytest_plugin.checks import test_seeds_are_idempotent as test_seeds_are_idempotent

pytestmark = pytest.mark.integration

SCRIPTS = ScriptDirectory(str(Path(__file__).parents[3] / "io" / "schema" / "migrations"))
REVISIONS = [revision.revision for revision in reversed(list(SCRIPTS.walk_revisions()))]


@pytest.fixture
def url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of `test`, marked and without a table yet, whose downgrades are confirmed."""
    monkeypatch.setenv("WDH_ENV", "test")
    monkeypatch.setenv("CONFIRM_ENV", "test")
    migration_runner.upgrade(database_url, REVISIONS[0], create_database=True)
    migration_runner.downgrade(database_url, "base")
    return database_url


def test_pipeline_tables(test_db_with_migrations):  # as the guide has it
    engine = create_engine(test_db_with_migrations)
    assert "pipeline_executions" in inspect(engine).get_table_names()


def test_the_fixture_gives_a_database_at_head(test_db_with_migrations: str) -> None:
    """No server of one's own is needed, and nothing is missing."""
    assert migration_runner.current(test_db_with_migrations, environment="test") == (REVISIONS[-1],)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_revision_up_down_and_up_again_leaves_no_residue(url: str) -> None:
    """
    What a downgrade forgets, a type or an index, makes the next upgrade fail: on somebody else's machine.

    On PostgreSQL the ready-made checks say so, revision by revision.
    """
    empty = catalog(url)
    seen = [empty]
    for before, revision in pairwise(["base", *REVISIONS]):
        migration_runner.upgrade(url, revision)
        after = catalog(url)
        assert after != seen[-1], revision
        migration_runner.downgrade(url, before)
        assert catalog(url) == seen[-1], revision
        migration_runner.upgrade(url, revision)
        assert catalog(url) == after, revision
        seen.append(after)
    migration_runner.downgrade(url, "base")
    assert catalog(url) == empty
    assert migration_runner.current(url) == ()
    migration_runner.upgrade(url)
    assert catalog(url) == seen[-1]


def test_rows_outlive_later_revisions(url: str) -> None:
    """SQLite rebuilds a table whose children would be deleted with it; and the new column is filled from the old ones."""
    migration_runner.upgrade(url, REVISIONS[0])
    execution, metric = str(uuid.uuid4()), str(uuid.uuid4())
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"insert into pipeline_executions (execution_id, pipeline_name) values ('{execution}', 'p')"))
        connection.execute(
            text(
                "insert into data_quality_metrics (metric_id, execution_id, metric_name, metric_value)"
                f" values ('{metric}', '{execution}', 'missing_rows', 2)"
            )
        )
    migration_runner.upgrade(url)
    migration_runner.downgrade(url, REVISIONS[3])
    with engine.connect() as connection:
        rows = connection.execute(text("select metric_name, severity from data_quality_metrics")).all()
        assert [tuple(row) for row in rows] == [("missing_rows", "warning")]
        assert connection.execute(text("select count(*) from pipeline_executions")).scalar_one() == 1
    engine.dispose()


def test_core_tables_have_postgres_types_with_sqlite_fallbacks(url: str) -> None:
    """`JSONB` and `UUID` on PostgreSQL, what SQLite has instead there."""
    migration_runner.upgrade(url)
    engine = create_engine(url)
    columns = {column["name"]: column["type"] for column in inspect(engine).get_columns("pipeline_executions")}
    postgres = engine.dialect.name == "postgresql"
    engine.dispose()
    if postgres:
        assert isinstance(columns["execution_id"], UUID)
        assert isinstance(columns["parameters"], JSONB)
    else:
        assert str(columns["execution_id"]) == "VARCHAR(36)"
        assert str(columns["parameters"]) == "JSON"


def test_alembic_tracks_the_state_in_its_version_table(url: str) -> None:
    """Whatever ran the migrations, Alembic knows where the database is."""
    migration_runner.upgrade(url, REVISIONS[1])
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.execute(text("select version_num from alembic_version")).scalars().all() == [REVISIONS[1]]
    engine.dispose()


def test_stamp_writes_the_version_table_alone(url: str) -> None:
    """For a database whose tables are there already."""
    before = catalog(url)
    migration_runner.stamp(url, REVISIONS[2])
    assert migration_runner.current(url) == (REVISIONS[2],)
    assert catalog(url) == before


def test_current_of_a_database_that_is_not_there_says_why() -> None:
    """A tool that took it for an empty one would go on."""
    with pytest.raises(RuntimeError, match=r"\(unreachable\)"):
        migration_runner.current("postgresql://nobody@127.0.0.1:1/hub")
