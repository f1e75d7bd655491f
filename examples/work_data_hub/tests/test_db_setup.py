"""`python scripts/db_setup.py`, as the guide types it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import ROOT, done, script
from picture import catalog, everything
from sqlalchemy import create_engine, text
from work_data_hub.io.schema import migration_runner

SCRIPT = ("python", "scripts/db_setup.py", "--database-url")
Setup = Callable[..., tuple[int, str]]
COLONS = """
insert into validation_rules (code, action, definition) values ('at-12:30:00', 'report', '{"at": "12:30", "as": ":value ::text"}')
  on conflict (code) do nothing;
-- a comment: with a colon; and a semicolon
insert into pipeline_executions (execution_id, pipeline_name, error) values
  ('77777777-7777-4777-8777-777777777777', 'a:b', 'it''s 08:15; see :name') on conflict (execution_id) do nothing;
"""
TWICE = "update pipeline_executions set pipeline_name = pipeline_name || '+' where status = 'running'; select 'a:b';"


@pytest.fixture
def setup(capsys: pytest.CaptureFixture[str]) -> Setup:
    """The script in this process, without the second that a new one costs: its exit status, and what it said."""

    def run(url: str, *arguments: str) -> tuple[int, str]:
        try:
            status = script().main(["--database-url", url, *arguments])
        except SystemExit as end:  # argparse
            status = int(end.code or 0)
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def column(url: str, query: str) -> list[object]:
    """The values of one column."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = list(connection.execute(text(query)).scalars())
    engine.dispose()
    return found


def test_a_missing_database_is_made_upgraded_and_seeded(database_url: str) -> None:
    """One command on a new machine, and once more without a change."""
    said = done(*SCRIPT, database_url, "--seed")
    assert "is at 20260120_0915" in said
    assert ("created database" in said) is database_url.startswith("postgresql")
    assert column(database_url, "select status from pipeline_executions order by status") == ["running", "succeeded"]
    # What stands behind a colon, a semicolon or a backslash is there as it was written.
    assert column(database_url, "select path from source_files") == ["C:\\inbox\\annuity; final.xlsx"]
    (details,) = column(database_url, "select details from data_quality_metrics where details is not null")
    assert ":ticket" in str(details)
    before = everything(database_url)
    assert "nothing to do" in done(*SCRIPT, database_url, "--seed")
    assert everything(database_url) == before


def test_a_seed_file_of_ones_own(database_url: str, tmp_path: Path, setup: Setup) -> None:
    """Several statements, colons in the data, on either database; it is loaded in place of the project's."""
    own = tmp_path / "own data.sql"
    own.write_text(COLONS, encoding="utf-8")
    assert setup(database_url, "--seed-file", str(own))[0] == 0
    assert column(database_url, "select pipeline_name from pipeline_executions") == ["a:b"]
    assert column(database_url, "select error from pipeline_executions") == ["it's 08:15; see :name"]
    assert column(database_url, "select code from validation_rules where action = 'report' order by code") == ["at-12:30:00", "no-missing-rows"]


def test_a_seed_file_that_cannot_be_loaded_twice_is_refused_with_the_reason(
    database_url: str, tmp_path: Path, setup: Setup
) -> None:
    """Test data that grow with every call are no promise; nothing of the file stays."""
    migration_runner.upgrade(database_url, create_database=True)
    migration_runner.seed(database_url)
    own = tmp_path / "twice.sql"
    own.write_text(TWICE, encoding="utf-8")
    before = column(database_url, "select pipeline_name from pipeline_executions")
    status, said = setup(database_url, "--seed-file", str(own))
    assert status == 3
    assert "code: seed-not-idempotent" in said
    assert column(database_url, "select pipeline_name from pipeline_executions") == before


def test_a_seed_file_that_is_not_there_is_told_before_anything_is_done(new_url: Callable[..., str], setup: Setup) -> None:
    """A typing error must not leave half of what was asked for."""
    url = new_url("sqlite")
    status, said = setup(url, "--seed-file", "nowhere.sql")
    assert status == 2
    assert "there is no file" in said
    assert not Path(url.removeprefix("sqlite:///")).exists()


def test_downgrade_needs_a_confirmation(database_url: str, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """One revision where none is named; `base` takes everything."""
    migration_runner.upgrade(database_url, create_database=True)
    before = catalog(database_url)
    status, said = setup(database_url, "--downgrade")
    assert status == 3
    assert "changed: nothing" in said and "hint: set CONFIRM_ENV=dev" in said
    assert catalog(database_url) == before
    monkeypatch.setenv("CONFIRM_ENV", "dev")
    assert "is at 20260112_1620" in setup(database_url, "--downgrade")[1]
    assert "is at base" in setup(database_url, "--downgrade", "base")[1]
    status, said = setup(database_url, "--downgrade", "--seed")
    assert status == 2
    assert "--downgrade goes without --seed" in said


def test_downgrade_without_a_url_asks_the_settings(new_url: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It means the database of the settings, and that one has to be confirmed like any other."""
    url = new_url("sqlite")
    migration_runner.upgrade(url)
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(Exception, match="may lose data and needs a confirmation"):
        migration_runner.downgrade()
    assert migration_runner.current() == ("20260120_0915",)
    monkeypatch.setenv("CONFIRM_ENV", "dev")
    migration_runner.downgrade()
    assert migration_runner.current() == ("20260112_1620",)


def test_downgrade_without_any_url_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no database that could be meant."""
    monkeypatch.setenv("CONFIRM_ENV", "dev")
    with pytest.raises(LookupError, match="set DATABASE_URL or WDH_DATABASE__URI"):
        migration_runner.downgrade()


def test_the_script_runs_from_any_folder(new_url: Callable[..., str], tmp_path: Path) -> None:
    """It finds the project by its own place."""
    url = new_url("sqlite")
    assert "is at 20260120_0915" in done("python", str(ROOT / "scripts" / "db_setup.py"), "--database-url", url, folder=tmp_path)


def test_the_script_is_cross_platform() -> None:
    """No shell, no program of one system, no path put together from text: it imports what every system has."""
    tree = ast.parse((ROOT / "scripts" / "db_setup.py").read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert modules == {"__future__", "argparse", "collections.abc", "lockgate", "pathlib", "sys", "work_data_hub.io.schema"}
