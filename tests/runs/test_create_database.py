"""`upgrade --create-database`: a missing database is made only where the guard would let an empty one be marked."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from building import Database, Tiny
from running import FAILING

import lockgate
from lockgate.secret import DatabaseUrl


@pytest.fixture
def missing(make_postgres_database: object, postgres_url: DatabaseUrl) -> DatabaseUrl:
    """The URL of a database that the server does not have; the name needs quotes."""
    return replace(postgres_url, database=f"{postgres_url.database}-New%")


def databases(url: DatabaseUrl) -> list[str]:
    """The names of the server's databases."""
    return sorted(name for (name,) in Database(replace(url, database="postgres")).query("select datname from pg_database"))


def drop(url: DatabaseUrl) -> None:
    """Take a database away that the fixtures do not know of."""
    Database(replace(url, database="postgres")).query(f'drop database "{url.database}"')


def test_a_missing_database_is_made_marked_and_upgraded(project: Tiny, missing: DatabaseUrl) -> None:
    """One command for a new machine; the report says that there is a database more now."""
    project.tables("users").point("dev", missing)
    done = json.loads(project.here("upgrade", "dev", "--create-database", "--json", check=0).stdout)
    assert done["changed"] == [f"created database `{missing.database}`", "applied `r1`"]
    assert Database(missing).user_tables() == ["users"]
    again = json.loads(project.here("upgrade", "dev", "--create-database", "--json", check=0).stdout)
    assert again["changed"] == []
    drop(missing)


def test_two_at_once_make_one_database(project: Tiny, missing: DatabaseUrl) -> None:
    """Two jobs of one deployment start in the same second; whoever is late finds the database there and waits for the lock."""
    project.tables("users").point("dev", missing)
    running = [project.start("upgrade", "dev", "--create-database", log=log) for log in ("one", "two")]
    assert [process.wait(120) for process in running] == [0, 0], project.said("one") + project.said("two")
    assert Database(missing).applied() == ["r1"]
    drop(missing)


def test_without_the_option_a_misspelt_name_stays_a_mistake(project: Tiny, missing: DatabaseUrl) -> None:
    """Otherwise every typing error would be a new, empty database with a schema in it."""
    project.tables("users").point("dev", missing)
    before = databases(missing)
    done = project.here("upgrade", "dev", check=5)
    assert "code: database-missing" in done.stderr
    assert "--create-database" in done.stderr
    assert databases(missing) == before


@pytest.mark.parametrize(
    "environment, variables, code",
    [("staging", {}, "unmarked"), ("prod", {}, "unmarked"), ("dev", {"LOCKGATE_ENV": "test"}, "environment-variable")],
)
def test_the_guard_is_asked_before_anything_is_made(
    project: Tiny, missing: DatabaseUrl, environment: str, variables: dict[str, str], code: str
) -> None:
    """What may not mark an empty database may not make one: it would be there, and nobody could use it."""
    project.tables("users").point(environment, missing)
    before = databases(missing)
    done = project.here("upgrade", environment, "--create-database", check=3, CONFIRM_ENV=environment, **variables)
    assert f"code: {code}" in done.stderr
    assert "changed: nothing" in done.stderr
    assert databases(missing) == before


def test_wrong_revision_files_make_no_database(project: Tiny, missing: DatabaseUrl) -> None:
    """Whatever can be told without the database is told first."""
    project.revision("r1", "nowhere")
    project.point("dev", missing)
    before = databases(missing)
    assert project.here("upgrade", "dev", "--create-database").returncode != 0
    assert databases(missing) == before


def test_a_failure_afterwards_says_that_the_database_was_made(project: Tiny, missing: DatabaseUrl) -> None:
    """`changed: nothing` is a promise."""
    project.revision("r1", None, FAILING)
    project.point("dev", missing)
    done = project.here("upgrade", "dev", "--create-database", check=1)
    assert f"changed: created database `{missing.database}`" in done.stderr
    drop(missing)


def test_a_role_that_may_not_create_databases_is_told_so(project: Tiny, missing: DatabaseUrl) -> None:
    """The next step is somebody else's."""
    role = f"modest_{missing.database.partition('-')[0]}"
    server = Database(replace(missing, database="postgres"))
    server.query(f"create role {role} login")
    project.tables("users").point("dev", replace(missing, username=role))
    done = project.here("upgrade", "dev", "--create-database", check=5)
    assert "permission denied" in done.stderr
    assert "createdb" in done.stderr
    server.query(f"drop role {role}")


def test_a_sqlite_file_needs_no_creating(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """The same command works for both."""
    project.tables("users").point("dev", sqlite_url)
    outcome = lockgate.upgrade(lockgate.load_project(project.folder), "dev", create_database=True, environ=project.environ)
    assert outcome.changed == ("applied `r1`",)
