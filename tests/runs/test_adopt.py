"""`adopt`: a database that was there before lockgate learns which environment it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from building import Database, Tiny, create_table

from lockgate.secret import DatabaseUrl

TABLES = [f"t{number:02}" for number in range(40)]


@pytest.fixture
def legacy(project: Tiny, database_url: DatabaseUrl) -> Database:
    """Forty tables made by plain Alembic before anybody heard of lockgate; `dev` points at them."""
    project.revision("r1", None, "\n".join(map(create_table, TABLES)))
    ini, settings = project.folder / "alembic.ini", project.folder / "lockgate.toml"
    kept_ini, kept_settings = ini.read_text(), settings.read_text()
    settings.unlink()
    ini.write_text(kept_ini.replace("driver://user:pass@localhost/dbname", database_url.render().reveal().replace("%", "%%")))
    done = project.alembic("upgrade", "head")
    assert done.returncode == 0, done.stderr
    ini.write_text(kept_ini)
    project.settings(kept_settings).point("dev", database_url)
    project.revision("r2", "r1", create_table("orders"))
    database = Database(database_url)
    assert database.user_tables() == TABLES and database.heads() == ["r1"]
    return database


def test_upgrade_refuses_a_database_that_does_not_say_who_it_is(project: Tiny, legacy: Database) -> None:
    """It may be anybody's: only a person who looked at it can know."""
    before = legacy.picture()
    said = project.here("upgrade", "dev", check=3).stderr
    assert "code: unmarked" in said
    assert "a database with 40 tables" in said
    assert "changed: nothing" in said
    assert "lockgate adopt dev" in said
    assert legacy.picture() == before


def test_adopt_without_a_confirmation_shows_the_database_and_changes_nothing(project: Tiny, legacy: Database) -> None:
    """A marker on the wrong database would be worse than none, so it is written by somebody who was told what it is."""
    before = legacy.picture()
    said = project.here("adopt", "dev", check=3).stderr
    assert "code: unconfirmed" in said
    assert "hint: set CONFIRM_ENV=dev" in said
    assert "changed: nothing" in said
    shown = [legacy.url.database, "40 tables", "rows", "r1"]
    assert [word for word in shown if word not in said] == []
    assert legacy.picture() == before


def test_at_a_terminal_adopt_shows_the_database_and_asks_for_the_name(project: Tiny, legacy: Database) -> None:
    """The prompt is the last moment at which a person can see that it is the wrong host; a wrong answer changes nothing."""
    before = legacy.picture()
    shown = project.at_a_terminal("adopt", "dev", typed="tset\n")
    assert [word for word in (legacy.url.database, "40 tables", "rows", "r1", "type the name") if word not in shown] == []
    assert "code: unconfirmed" in shown
    assert legacy.picture() == before
    assert "marked as `dev`" in project.at_a_terminal("adopt", "dev", typed="dev\n")


def test_a_confirmed_adopt_marks_and_the_next_upgrade_runs_what_is_pending(project: Tiny, legacy: Database) -> None:
    """The way in for every project that exists already; its tables and rows are not touched."""
    before = legacy.picture()
    done = project.here("adopt", "dev", check=0, CONFIRM_ENV="dev")
    assert "marked as `dev`" in done.stdout
    after = legacy.picture()
    assert {name: rows for name, rows in after.items() if name in before} == before
    project.here("upgrade", "dev", check=0)
    assert legacy.heads() == ["r2"]
    assert legacy.user_tables() == ["orders", *TABLES]
    assert [row[:3] for row in legacy.ledger() if row[1] != "smoke"] == [("adopt", "adopted", ""), ("upgrade", "applied", "r2")]


def test_adopting_twice_changes_nothing(project: Tiny, legacy: Database) -> None:
    """Scripts that set machines up run it every time, and need no confirmation for what is so already."""
    project.here("adopt", "dev", check=0, CONFIRM_ENV="dev")
    before = legacy.picture()
    assert "nothing to do" in project.here("adopt", "dev", check=0, CONFIRM_ENV="dev").stdout
    assert "nothing to do" in project.here("adopt", "dev", check=0).stdout
    assert legacy.picture() == before


@pytest.mark.parametrize("confirmation", ["*", "all", "test", "DEV"])
def test_a_confirmation_that_does_not_name_this_environment_is_none(project: Tiny, sqlite_url: DatabaseUrl, confirmation: str) -> None:
    """A confirmation that fits everything is a habit, not a decision."""
    Database(sqlite_url).query("create table users (id integer)")
    before = Database(sqlite_url).picture()
    said = project.point("dev", sqlite_url).here("adopt", "dev", check=3, CONFIRM_ENV=confirmation).stderr
    assert "code: unconfirmed" in said
    assert Database(sqlite_url).picture() == before


def test_one_database_cannot_be_two_environments(project: Tiny, legacy: Database) -> None:
    """A variable copied and not changed: `test` would be emptied, and `dev` with it."""
    project.point("test", legacy.url)
    before = legacy.picture()
    said = project.here("adopt", "dev", check=3, CONFIRM_ENV="dev").stderr
    assert "code: same-database" in said
    assert "`test` and `dev` are the same database" in said
    assert legacy.picture() == before


def test_two_files_that_are_not_made_yet_are_two_databases(project: Tiny, tmp_path: Path) -> None:
    """Neither has an inode yet: the first environment of a new project could not be adopted."""
    for name in ("dev", "test"):
        project.point(name, DatabaseUrl("sqlite", database=str(tmp_path / f"{name}.db")))
    project.here("adopt", "dev", check=0, CONFIRM_ENV="dev")
    project.point("dev", DatabaseUrl("sqlite", database=str(tmp_path / "later.db"))).point("test", DatabaseUrl("sqlite", database=str(tmp_path / "later.db")))
    assert "code: same-database" in project.here("adopt", "dev", check=3, CONFIRM_ENV="dev").stderr


def test_one_database_under_two_addresses_cannot_be_two_environments(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """Compared is what the server says of itself: a second name of the host must not hide it."""
    host, port = postgres_url.query["host"], postgres_url.query["port"]
    project.point("dev", postgres_url)
    project.environ["TEST_DATABASE_URL"] = f"postgresql://postgres@/{postgres_url.database}?host={host}/&port={port}"
    said = project.here("adopt", "dev", check=3, CONFIRM_ENV="dev").stderr
    assert "code: same-database" in said
    assert Database(postgres_url).tables() == []


def test_the_database_of_another_environment_is_not_adopted(project: Tiny, legacy: Database) -> None:
    """Its marker is the truth; a confirmation of the wrong name cannot talk it out of it, `--copy` neither."""
    project.here("adopt", "dev", check=0, CONFIRM_ENV="dev")
    before = legacy.picture()
    del project.environ["DEV_DATABASE_URL"]
    project.point("staging", legacy.url)
    for arguments in (("adopt", "staging"), ("adopt", "staging", "--copy")):
        said = project.here(*arguments, check=3, CONFIRM_ENV="staging").stderr
        assert "code: identity-mismatch" in said
        assert "says it is `dev`, you asked for `staging`" in said
    assert legacy.picture() == before
