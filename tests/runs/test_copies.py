"""Databases restored from one another: a marker that came along with a copy does not make it the original."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from building import Database, Tiny

from lockgate.secret import DatabaseUrl

Copy = Callable[[DatabaseUrl], DatabaseUrl]


def sql(server: Any, statement: str) -> None:
    """Run one statement beside all databases that the test made."""
    Database(server.url("postgres")).query(statement)


@pytest.fixture
def copied(request: pytest.FixtureRequest, database_url: DatabaseUrl, tmp_path: Path) -> Copy:
    """Copies a database as people do it: `CREATE DATABASE … TEMPLATE`, a copied file."""
    if database_url.backend == "sqlite":

        def copy(url: DatabaseUrl) -> DatabaseUrl:
            target = tmp_path / "copy.db"
            shutil.copy(url.database, target)
            return replace(url, database=str(target))

        return copy
    server, make = request.getfixturevalue("postgres_server"), request.getfixturevalue("make_postgres_database")

    def clone(url: DatabaseUrl) -> DatabaseUrl:
        target: DatabaseUrl = make()
        sql(server, f"drop database {target.database}")
        sql(server, f"create database {target.database} template {url.database}")
        return target

    return clone


def upgraded(project: Tiny, environment: str, url: DatabaseUrl) -> Database:
    """A marked database at head; the project has one more revision after that."""
    project.tables("users").point(environment, url)
    if environment == "dev":
        project.here("upgrade", "dev", check=0)
    else:
        project.here("adopt", environment, check=0, CONFIRM_ENV=environment)
    return Database(url)


def test_a_copy_of_an_open_environment_is_bound_again_and_says_so(project: Tiny, database_url: DatabaseUrl, copied: Copy) -> None:
    """Development databases are restored all day long; nobody should have to confirm that."""
    upgraded(project, "dev", database_url)
    copy = copied(database_url)
    project.tables("users", "orders").point("dev", copy)
    said = project.here("upgrade", "dev", check=0).stderr
    assert "note: this database is a copy" in said
    assert Database(copy).heads() == ["r2"]
    assert Database(database_url).heads() == ["r1"]
    assert "note:" not in project.here("upgrade", "dev", check=0).stderr


def test_a_copy_that_is_at_head_is_bound_again_as_well(project: Tiny, database_url: DatabaseUrl, copied: Copy) -> None:
    """The short cut for databases with nothing pending must not leave the old binding in place."""
    upgraded(project, "dev", database_url)
    project.point("dev", copied(database_url))
    assert "this database is a copy" in project.here("upgrade", "dev", check=0).stderr
    assert "this database is a copy" not in project.here("upgrade", "dev", check=0).stderr


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_a_copy_of_a_protected_environment_is_refused_until_it_is_adopted_as_a_copy(
    project: Tiny, database_url: DatabaseUrl, copied: Copy, environment: str
) -> None:
    """A restored backup that answers to `prod` would let somebody repair the wrong one."""
    upgraded(project, environment, database_url)
    copy = copied(database_url)
    project.point(environment, copy)
    before = Database(copy).picture()
    for arguments in (("upgrade", environment), ("adopt", environment)):
        said = project.here(*arguments, check=3, CONFIRM_ENV=environment).stderr
        assert "code: copied-database" in said
        assert f"lockgate adopt {environment} --copy" in said
    assert "code: unconfirmed" in project.here("adopt", environment, "--copy", check=3).stderr
    assert Database(copy).picture() == before
    project.here("adopt", environment, "--copy", check=0, CONFIRM_ENV=environment)
    code = "" if environment == "staging" else "code: locked"
    assert code in project.here("upgrade", environment, CONFIRM_ENV=environment).stderr
    assert Database(copy).heads() == (["r1"] if environment == "staging" else [])


def test_a_copy_of_prod_becomes_staging_only_by_adopt_copy(project: Tiny, database_url: DatabaseUrl, copied: Copy) -> None:
    """The monthly refresh of staging; the original stays prod and stays refused under that name."""
    upgraded(project, "prod", database_url)
    copy = copied(database_url)
    project.point("staging", copy)
    said = project.here("upgrade", "staging", check=3, CONFIRM_ENV="staging").stderr
    assert "code: identity-mismatch" in said and "lockgate adopt staging --copy" in said
    assert "code: identity-mismatch" in project.here("adopt", "staging", check=3, CONFIRM_ENV="staging").stderr
    project.here("adopt", "staging", "--copy", check=0, CONFIRM_ENV="staging")
    project.here("upgrade", "staging", check=0, CONFIRM_ENV="staging")
    assert Database(copy).heads() == ["r1"]
    assert Database(database_url).heads() == []
    project.point("staging", database_url)
    del project.environ["PROD_DATABASE_URL"]
    before = Database(database_url).picture()
    said = project.here("adopt", "staging", "--copy", check=3, CONFIRM_ENV="staging").stderr
    assert "code: identity-mismatch" in said
    assert Database(database_url).picture() == before


def test_a_renamed_database_is_not_a_copy(project: Tiny, postgres_url: DatabaseUrl, postgres_server: Any) -> None:
    """Its oid stays; renaming is what careful people do before they restore a backup beside it."""
    upgraded(project, "staging", postgres_url)
    name = f"{postgres_url.database}_renamed"
    sql(postgres_server, f"alter database {postgres_url.database} rename to {name}")
    try:
        project.point("staging", replace(postgres_url, database=name))
        said = project.here("upgrade", "staging", check=0, CONFIRM_ENV="staging").stderr
        assert "copy" not in said
    finally:
        sql(postgres_server, f"alter database {name} rename to {postgres_url.database}")


def test_a_moved_file_is_not_a_copy(project: Tiny, sqlite_url: DatabaseUrl, tmp_path: Path) -> None:
    """Its inode stays."""
    upgraded(project, "staging", sqlite_url)
    moved = tmp_path / "elsewhere.db"
    Path(sqlite_url.database).rename(moved)
    project.point("staging", replace(sqlite_url, database=str(moved)))
    assert "copy" not in project.here("upgrade", "staging", check=0, CONFIRM_ENV="staging").stderr


def test_a_file_restored_in_its_place_is_not_a_copy(project: Tiny, sqlite_url: DatabaseUrl, tmp_path: Path) -> None:
    """Its path stays; the backup was this database."""
    upgraded(project, "staging", sqlite_url)
    file, backup = Path(sqlite_url.database), tmp_path / "backup.db"
    shutil.copy(file, backup)
    file.rename(tmp_path / "old.db")
    shutil.copy(backup, file)
    assert "copy" not in project.here("upgrade", "staging", check=0, CONFIRM_ENV="staging").stderr
