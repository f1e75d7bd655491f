"""What a look sees of a database, and that looking leaves no trace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from building import MYSQL, Database, Tiny

from lockgate.dialects.connect import dialect_named
from lockgate.errors import LockgateError
from lockgate.runs.sight import see
from lockgate.secret import DatabaseUrl
from lockgate.words import Cluster, Sight, VersionTable


def look(url: DatabaseUrl, version_table: VersionTable | None = None) -> Sight:
    """Look as every verb does first."""
    dialect = dialect_named(url.backend)
    with dialect.open(url, 5) as session:
        return see(session, dialect, url.place, version_table)


def cluster(url: DatabaseUrl) -> Cluster:
    """Which physical database it is."""
    return look(url).cluster


def test_a_new_database_is_empty_and_stays_as_it_is(database_url: DatabaseUrl) -> None:
    """Reading verbs never write: no version table, no registry, no file."""
    database = Database(database_url)
    existed = database.exists()
    seen = look(database_url)
    assert seen.empty and seen.identity is None and seen.heads == () and seen.tables == () and seen.registry_version == 0
    assert seen.writable
    assert database.exists() == existed and database.tables() == []


def test_a_server_that_hangs_up_is_unreachable(postgres_url: DatabaseUrl) -> None:
    """A failover in the middle of a look is no bug of lockgate, and is worth another try."""

    def hang_up() -> None:
        with dialect_named("postgresql").open(postgres_url, 5) as session:
            pid = session.execute("select pg_backend_pid()")[0][0]
            Database(postgres_url).query(f"select pg_terminate_backend({pid}, 120000)")
            session.execute("select 1")

    with pytest.raises(LockgateError) as error:
        hang_up()
    assert (error.value.code, error.value.exit_code) == ("unreachable", 5)


def test_the_server_refuses_to_write_in_a_look(database_url: DatabaseUrl) -> None:
    """Not our good intentions: the session itself is read-only."""
    Database(database_url).query("create table users (id integer)")
    dialect = dialect_named(database_url.backend)
    with dialect.open(database_url, 5) as session, pytest.raises(Exception, match=r"(?i)read[- ]?only") as error:
        session.execute("insert into users values (1)")
    facts = dialect.facts(error.value)
    assert facts is not None and facts.kind == "read-only"
    assert Database(database_url).query("select count(*) from users") == [(0,)]


def test_a_version_table_without_a_row_and_the_registry_count_as_empty(project: Tiny, database_url: DatabaseUrl) -> None:
    """That is what a downgrade to base leaves, and it can be upgraded without asking anybody."""
    project.tables("users").point("dev", database_url)
    project.here("upgrade", "dev", check=0)
    assert not look(database_url).empty
    project.here("downgrade", "dev", "base", check=0, CONFIRM_ENV="dev")
    seen = look(database_url)
    assert seen.empty and seen.objects == 0 and seen.version_table is not None
    assert seen.identity is not None and seen.identity.environment == "dev"


def test_a_version_table_with_a_row_is_not_empty(database_url: DatabaseUrl) -> None:
    """Somebody's revisions ran here, whatever is left of their tables."""
    Database(database_url).query("create table alembic_version (version_num varchar(32) primary key)")
    assert look(database_url).empty
    Database(database_url).query("insert into alembic_version values ('r1')")
    seen = look(database_url)
    assert not seen.empty and seen.heads == ("r1",) and seen.tables == ()


@pytest.mark.parametrize("statement", ["create table t (id integer)", "create view v as select 1 as x"])
def test_any_user_object_makes_it_not_empty(database_url: DatabaseUrl, statement: str) -> None:
    """A database with nothing but a view is somebody's."""
    Database(database_url).query(statement)
    assert not look(database_url).empty


@pytest.mark.parametrize(
    "statement",
    [
        "create sequence s",
        "create type t as enum ('a')",
        "create domain d as int",
        "create type c as (a int)",
        "create type r as range (subtype = int4)",
        "create function f() returns int language sql as 'select 1'",
        "create materialized view m as select 1 as x",
        "create schema s create table t (id int)",
    ],
)
def test_each_kind_of_object_of_postgresql_is_one_object(postgres_url: DatabaseUrl, statement: str) -> None:
    """Neither none, which would let it be taken for empty, nor several, which would make `dropped 3 objects` a riddle."""
    Database(postgres_url).query(statement)
    assert look(postgres_url).objects == 1


def test_what_belongs_to_an_extension_is_nobodys_object(postgres_url: DatabaseUrl) -> None:
    """Managed servers put extensions into every new database."""
    Database(postgres_url).query("create extension hstore; create extension pg_stat_statements; create extension citext")
    assert look(postgres_url).empty


def test_tables_rows_and_invalid_indexes_are_told(postgres_url: DatabaseUrl) -> None:
    """What people read before they confirm."""
    database = Database(postgres_url)
    database.query("create schema other; create table users (id serial primary key); create table other.things (id int)")
    database.query("insert into users default values; insert into other.things values (1), (1)")
    database.query("analyze")
    with pytest.raises(Exception, match="could not create unique index"):
        database.query("create unique index concurrently twice on other.things (id)")
    seen = look(postgres_url)
    assert seen.tables == ("other.things", "users")
    assert seen.rows == 3
    assert seen.invalid_indexes == ('"other"."twice"',)


def test_a_version_table_is_found_under_its_own_name_and_schema(postgres_url: DatabaseUrl) -> None:
    """env.py names it; two tables of that name may be there."""
    database = Database(postgres_url)
    database.query("create schema app; create table app.versions (version_num text); insert into app.versions values ('b'), ('a')")
    seen = look(postgres_url, VersionTable("versions", "app"))
    assert seen.heads == ("a", "b") and seen.tables == ()
    assert look(postgres_url).heads == ()


def test_one_database_is_itself_and_another_is_not(database_url: DatabaseUrl, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """What tells a copy from the original."""
    other = replace(database_url, database=str(tmp_path / "other.db"))
    if database_url.backend == "postgresql":
        other = request.getfixturevalue("make_postgres_database")()
    if database_url.backend in MYSQL:
        other = request.getfixturevalue("make_mariadb_database")()
    for url in (database_url, other):
        Database(url).query("create table t (id integer)")
    assert cluster(database_url).same(cluster(database_url))
    assert not cluster(database_url).same(cluster(other))


@pytest.fixture
def ordinary(postgres_url: DatabaseUrl) -> Iterator[DatabaseUrl]:
    """A role that owns its own database and nothing else."""
    admin, role = Database(postgres_url), f"looker_{postgres_url.database}"
    admin.query(f"create role {role} login nosuperuser nocreatedb nocreaterole")
    admin.query(f"alter database {postgres_url.database} owner to {role}")
    yield replace(postgres_url, username=role)
    admin.query("grant execute on function pg_control_system() to public")
    admin.query(f"alter database {postgres_url.database} owner to current_user")
    admin.query(f"drop owned by {role} cascade")
    admin.query(f"drop role {role}")


def test_an_ordinary_role_sees_the_same_cluster_as_the_owner_of_the_server(postgres_url: DatabaseUrl, ordinary: DatabaseUrl) -> None:
    """The marker that an administrator wrote must fit for the application's role."""
    assert cluster(ordinary) == cluster(postgres_url)
    assert cluster(ordinary).source == "system_identifier and database oid"
    assert cluster(ordinary).system


def test_a_server_that_hides_its_identifier_is_known_by_the_oid_and_that_is_said(postgres_url: DatabaseUrl, ordinary: DatabaseUrl) -> None:
    """Hardened servers revoke the function; the marker still fits, with less behind it, and the user can read that."""
    before = cluster(ordinary)
    Database(postgres_url).query("revoke execute on function pg_control_system() from public")
    hidden = cluster(ordinary)
    assert hidden.system == "" and hidden.database == before.database
    assert hidden.source == "database oid only: this role may not call pg_control_system()"
    assert hidden.same(before)


def test_a_role_that_may_not_read_the_registry_is_told_so(project: Tiny, postgres_url: DatabaseUrl, ordinary: DatabaseUrl) -> None:
    """Somebody else's registry on a database of one's own: an answer in words, no traceback."""
    project.tables("users").point("dev", postgres_url).here("upgrade", "dev", check=0)
    project.point("dev", ordinary)
    said = project.here("upgrade", "dev", check=1).stderr
    assert "code: permission-denied" in said and "changed: nothing" in said


def test_a_file_that_is_no_database_is_unreachable(tmp_path: Path) -> None:
    """A path with a typing error, a file of another kind."""
    file = tmp_path / "notes.txt"
    file.write_text("this is no database, but it is long enough to be taken for one by somebody who only looks at sizes" * 10)
    for path in (file, tmp_path / "missing" / "app.db"):
        with pytest.raises(LockgateError) as error:
            look(DatabaseUrl("sqlite", database=str(path)))
        assert error.value.code == "unreachable"


def test_a_database_without_an_encoding_is_as_good_as_any(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """SQL_ASCII is what `initdb` without a locale gives; psycopg has bytes for texts there, unless it is told otherwise."""
    name = f"{postgres_url.database}_ascii"
    project.tables("users").point("dev", replace(postgres_url, database=name, driver="psycopg2"))
    with psycopg.connect(postgres_url.render().reveal(), autocommit=True) as connection:
        connection.execute(f"create database {name} encoding 'SQL_ASCII' template template0 lc_collate 'C' lc_ctype 'C'".encode())
        try:
            project.lockgate("upgrade", "dev", check=0)
            row = json.loads(project.lockgate("status", "dev", "--json", check=0).stdout)["environments"][0]
            assert (row["heads"], row["pending"]) == (["r1"], 0)
        finally:
            connection.execute(f"drop database {name} with (force)".encode())
