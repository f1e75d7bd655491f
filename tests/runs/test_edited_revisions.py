"""A revision that was edited after it was applied, and a database that is ahead of the files: told, with file, run and commit."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from alembic import command
from building import Database, Tiny, create_table
from calling import config_for, plain, refused

from lockgate.secret import DatabaseUrl


@pytest.fixture
def database(project: Tiny, sqlite_url: DatabaseUrl) -> Database:
    """The database of `dev`, which is open."""
    project.tables("users", "orders").point("dev", sqlite_url)
    return Database(sqlite_url)


@pytest.fixture
def staging(project: Tiny, tmp_path: Path) -> Database:
    """The database of `staging`, where every change is confirmed."""
    url = DatabaseUrl("sqlite", database=str(tmp_path / "staging.db"))
    project.tables("users", "orders").point("staging", url)
    return Database(url)


def edit(project: Tiny, name: str = "r1", new: str = "sa.String(60)") -> None:
    """Do what must not be done to a revision that was applied."""
    path = project.folder / "migrations" / "versions" / f"{name}.py"
    text = path.read_text()
    assert "sa.String(50)" in text
    path.write_text(text.replace("sa.String(50)", new))


def at_head(project: Tiny, environment: str, to: str = "head") -> None:
    """Mark the database and bring it to a revision."""
    if environment != "dev":
        project.here("adopt", environment, check=0, CONFIRM_ENV=environment)
    project.here("upgrade", environment, to, check=0, CONFIRM_ENV=environment)


def test_an_open_environment_is_told_and_goes_on(project: Tiny, database: Database) -> None:
    """In development revisions are edited all the time; knowing it saves the search for what differs."""
    at_head(project, "dev", "r1")
    assert "edited" not in project.here("status", "dev", check=0).stdout
    edit(project)
    assert "migrations/versions/r1.py" in project.here("status", "dev", check=0).stdout
    assert json.loads(project.here("status", "dev", "--json").stdout)["environments"][0]["edited"] == ["migrations/versions/r1.py"]
    done = project.here("upgrade", "dev", check=0)
    assert "revision `r1` (migrations/versions/r1.py) was edited after being applied" in done.stderr
    assert database.heads() == ["r2"]


def test_a_formatter_is_no_editor(project: Tiny, staging: Database) -> None:
    """`black` over the whole folder must not stop a deployment."""
    at_head(project, "staging")
    path = project.folder / "migrations" / "versions" / "r1.py"
    path.write_text("# a licence\n" + path.read_text().replace('"', "'").replace("'''", '"""'))
    assert project.here("upgrade", "staging", check=0, CONFIRM_ENV="staging").stderr.count("edited") == 0


def test_a_protected_environment_refuses_until_somebody_acknowledges(project: Tiny, staging: Database) -> None:
    """Neither up nor down, also not by plain Alembic; the acknowledgement is for this very content."""
    at_head(project, "staging", "r1")
    edit(project)
    before = staging.contents()
    for words in (("upgrade", "staging"), ("downgrade", "staging", "base")):
        done = project.here(*words, check=3, CONFIRM_ENV="staging")
        assert "code: revision-edited" in done.stderr and "migrations/versions/r1.py" in done.stderr
        assert "lockgate acknowledge staging r1" in done.stderr
    variables = {"LOCKGATE_ENV": "staging", "CONFIRM_ENV": "staging"}
    assert refused(command.upgrade, config_for(project, staging.url), "head", **variables).code == "revision-edited"
    assert staging.contents() == before
    assert [row[1] for row in staging.ledger()][-3:] == ["refused"] * 3
    assert "code: unconfirmed" in project.here("acknowledge", "staging", "r1", check=3).stderr
    assert "not applied" in project.here("acknowledge", "staging", "r2", check=2, CONFIRM_ENV="staging").stderr
    assert staging.contents() == before
    assert "acknowledged `r1`" in project.here("acknowledge", "staging", "r1", check=0, CONFIRM_ENV="staging").stdout
    assert "nothing to do" in project.here("acknowledge", "staging", "r1", check=0, CONFIRM_ENV="staging").stdout
    assert staging.contents() == before
    project.here("upgrade", "staging", "r1", check=0, CONFIRM_ENV="staging")
    path = project.folder / "migrations" / "versions" / "r1.py"
    path.write_text(path.read_text().replace("String(60)", "String(70)"))
    project.here("upgrade", "staging", check=3, CONFIRM_ENV="staging")
    path.write_text(path.read_text().replace("String(70)", "String(60)"))
    plain(command.upgrade, config_for(project, staging.url), "head", **variables)
    assert staging.heads() == ["r2"]
    project.here("history", "staging", "--verify", check=0)


def test_a_revision_that_was_undone_may_be_edited(project: Tiny, database: Database) -> None:
    """Down, mend, up: the ordinary way to work on the newest revision."""
    at_head(project, "dev")
    project.here("downgrade", "dev", "r1", check=0, CONFIRM_ENV="dev")
    edit(project, "r2")
    assert "edited" not in project.here("upgrade", "dev", check=0).stderr
    edit_again = project.folder / "migrations" / "versions" / "r2.py"
    edit_again.write_text(edit_again.read_text().replace("String(60)", "String(70)"))
    assert "r2.py" in project.here("status", "dev", check=0).stdout
    project.here("reset", "dev", check=0, CONFIRM_ENV="dev")
    assert "edited" not in project.here("status", "dev", check=0).stdout


def test_a_database_ahead_of_the_files_says_who_brought_it_there(project: Tiny, database: Database) -> None:
    """An older release meets a newer schema: the commit that has the file is what is looked for."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(project.folder)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "two revisions"]):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    project.here("upgrade", "dev", check=0)
    (project.folder / "migrations" / "versions" / "r2.py").unlink()
    before = database.contents()
    for words in (("upgrade", "dev"), ("downgrade", "dev", "base")):
        done = project.here(*words, check=3, CONFIRM_ENV="dev")
        assert "code: unknown-revision" in done.stderr
        assert "`r2` was applied by `upgrade` of lockgate " in done.stderr
        assert f"from git commit {commit}" in done.stderr and "(run " in done.stderr
    assert database.contents() == before


def test_a_revision_of_nobody_knows_where_is_said_to_be_one(project: Tiny, database: Database) -> None:
    """Written into the version table by hand: the ledger has no row, and nothing is made up."""
    at_head(project, "dev")
    database.query("update alembic_version set version_num = 'zzz'")
    done = project.here("upgrade", "dev", check=3)
    assert "`zzz`" in done.stderr and "was applied by" not in done.stderr


def test_only_what_ran_is_remembered(project: Tiny, database: Database) -> None:
    """A stamp ran nothing: what the file said then proves nothing about the schema."""
    project.revision("r3", "r2", create_table("more"))
    at_head(project, "dev", "r1")
    project.here("stamp", "dev", "r2", check=0)
    edit(project, "r2")
    assert "edited" not in project.here("upgrade", "dev", check=0).stderr
