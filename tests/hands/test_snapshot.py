"""A schema is read whole, in few queries, and nothing that is not the project's shows in it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import older_server
import psycopg
import pytest
from building import Database
from schemas import EVERYTHING
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from lockgate.dialects.alchemy import AlchemySession
from lockgate.dialects.connect import dialect_named
from lockgate.drift.compare import compare
from lockgate.drift.snapshot import Snapshot
from lockgate.permit import Row, Session
from lockgate.secret import DatabaseUrl
from lockgate.words import VersionTable

SERVERS = ["18", *([older_server.MAJOR] if older_server.INSTALLED else [])]


@pytest.fixture(params=SERVERS)
def url(request: pytest.FixtureRequest) -> Iterator[DatabaseUrl]:
    """An empty database on each server that there is."""
    if request.param != older_server.MAJOR:
        yield request.getfixturevalue("postgres_url")
        return
    server = request.getfixturevalue("older_postgres_server")
    server.create_database("snapshots")
    yield server.url("snapshots")
    with psycopg.connect(server.url("postgres").render().reveal(), autocommit=True) as admin:
        admin.execute("drop database snapshots with (force)")


def read(url: DatabaseUrl, table: VersionTable | None = None, *, grants: bool = False) -> Snapshot:
    dialect = dialect_named(url.backend)
    with dialect.open(url, 5.0) as session:
        return dialect.snapshot(session, table or VersionTable(), ("r1",), grants=grants)


def labels(snapshot: Snapshot) -> set[str]:
    return {item.label for item in snapshot.items()}


def run(url: DatabaseUrl, script: str) -> None:
    with psycopg.connect(url.render().reveal(), autocommit=True) as server:
        server.execute(script.encode())


def test_every_kind_of_object_is_read(url: DatabaseUrl) -> None:
    """What is not read cannot be missed."""
    run(url, EVERYTHING)
    found = read(url, grants=True)
    assert {name for kind, name in Snapshot.LISTS.items() if not found.of(kind)} == set()
    by_label: dict[str, Any] = {item.label: item for item in found.items()}
    assert by_label["column `users.name`"].type == "character varying(100)"
    assert by_label["column `teams.name`"].collation == '"C"'
    assert by_label["column `teams.id`"].identity_kind == "ALWAYS"
    assert by_label["column `users.initials`"].generated == "GENERATED ALWAYS AS (upper(name::text)) STORED"
    fk = by_label["foreign key `users_team_id_fkey` on `users`"]
    assert (fk.definition, fk.timing) == ("FOREIGN KEY (team_id) REFERENCES teams(id) ON DELETE CASCADE", "DEFERRABLE INITIALLY DEFERRED")
    assert by_label["index `ix_users_robots` on `users`"].columns == ("kind", "name")
    assert by_label["enum `mood`"].labels == ("sad", "ok", "happy")
    assert by_label["table `events_2025`"].partition_of == "events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')"
    assert by_label["sequence `ticket`"].increment == 2
    assert by_label["policy `own` on `users`"].definition == "FOR SELECT TO PUBLIC USING (name::text = CURRENT_USER)"
    assert by_label["grant to `PUBLIC` on table `users`"].privileges == ("SELECT",)
    assert "function `total(integer)`" not in by_label
    assert by_label["aggregate `total(integer)`"].definition == "SFUNC = int4pl, STYPE = integer, INITCOND = 0"


def test_what_a_parent_gives_to_its_partitions_is_read_once(url: DatabaseUrl) -> None:
    """One dropped index on a partitioned table is one difference, not one per partition."""
    run(url, EVERYTHING)
    assert {label for label in labels(read(url)) if "events_2025" in label} == {"table `events_2025`"}


def test_texts_do_not_depend_on_the_role_that_reads(url: DatabaseUrl) -> None:
    """A search_path of the role's own makes the server print other names for the same things."""
    run(url, EVERYTHING)
    before = read(url)
    run(url, f'alter database "{url.database}" set search_path = app, pg_temp')
    assert compare(read(url), before) == ()


def test_what_is_not_the_projects_own_does_not_show(url: DatabaseUrl) -> None:
    """The registry, the version table, and what an extension brought along are nobody's drift."""
    run(url, "create schema lockgate; create table lockgate.marker (x integer); create type lockgate.kind as enum ('a')")
    run(url, "create schema meta; create table meta.revisions (version_num varchar(32) primary key); create extension citext")
    assert labels(read(url, VersionTable("revisions", "meta"))) == {
        "schema `public`",
        "schema `meta`",
        "extension `plpgsql`",
        "extension `citext`",
    }


class _Counting:
    """A session that counts its statements."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.count = 0

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> list[Row]:
        self.count += 1
        return self._session.execute(sql, params)

    def commit(self) -> None:
        self._session.commit()

    def rollback(self) -> None:
        self._session.rollback()


def count(url: DatabaseUrl) -> int:
    """How many statements a snapshot takes."""
    dialect = dialect_named(url.backend)
    with dialect.open(url, 5.0) as session:
        counting = _Counting(session)
        dialect.snapshot(counting, VersionTable())
        return counting.count


def test_the_number_of_queries_does_not_grow_with_the_schema(database_url: DatabaseUrl) -> None:
    """One query per table would take minutes on a thousand of them, over a network."""
    Database(database_url).query("create table t0 (id integer primary key)")
    few = count(database_url)
    for number in range(1, 20):
        Database(database_url).query(f"create table t{number} (id integer primary key, other integer references t0 (id))")
    assert count(database_url) == few <= 22


SQLITE = """
create table users (
    id integer primary key autoincrement, name varchar(50) not null default 'a' collate nocase, -- a comment, with a comma
    "full name" text, size int generated always as (length(name)) stored, kind text constraint kinds check (kind in ('a', 'b)')),
    nick text unique, check (name <> ''), constraint uq_users unique (name, "full name")
);
create table posts (
    id integer, user_id int not null references users (id) on delete cascade, parent integer,
    primary key (id, user_id), constraint fk_parent foreign key (parent, user_id) references posts (id, user_id)
) without rowid;
create index ix_posts on posts (parent) where parent > 0;
create view names as select name from users;
create trigger tr after insert on users begin select 1; end;
create table alembic_version (version_num varchar(32) primary key);
create table lockgate_marker (environment text);
create index lockgate_ix on lockgate_marker (environment);
"""


def test_sqlite_tells_what_only_the_text_of_create_table_says(sqlite_url: DatabaseUrl) -> None:
    """PRAGMAs know no names of constraints, no checks and no collations."""
    _script(sqlite_url, SQLITE)
    found = read(sqlite_url)
    by_label: dict[str, Any] = {item.label: item for item in found.items()}
    assert by_label["column `users.name`"].collation == "nocase"
    assert by_label["column `users.id`"].identity_kind == "AUTOINCREMENT"
    assert by_label["column `users.size`"].generated == "GENERATED ALWAYS AS (length (name)) STORED"
    assert by_label["check constraint `kinds` on `users`"].definition == "CHECK (kind in ('a', 'b)'))"
    assert by_label["unique constraint `uq_users` on `users`"].columns == ("name", "full name")
    assert by_label["foreign key `fk_parent` on `posts`"].definition == "FOREIGN KEY (parent, user_id) REFERENCES posts (id, user_id)"
    assert by_label["table `posts`"].options == "WITHOUT ROWID"
    assert {"index `ix_posts` on `posts`", "view `names`", "trigger `tr` on `users`"} < by_label.keys()
    assert not [label for label in by_label if "lockgate" in label or "alembic" in label]


def _script(url: DatabaseUrl, text: str) -> None:
    with closing(sqlite3.connect(url.database)) as connection:
        connection.executescript(text)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("drop index ix_posts", "index `ix_posts` on `posts` is missing"),
        ("alter table users drop column kind", "column `users.kind` is missing, and with it check constraint `kinds`"),
        ("alter table users add column age int", "column `users.age` is in the database, but not in the revisions"),
        ("drop trigger tr", "trigger `tr` on `users` is missing"),
        ("drop view names; create view names as select 1", "view `names` is `CREATE VIEW names as select 1`, revisions make it"),
        ("create table extra (id int)", "table `extra` is in the database, but not in the revisions"),
    ],
)
def test_damage_to_a_sqlite_file_is_named(sqlite_url: DatabaseUrl, tmp_path: Path, damage: str, sentence: str) -> None:
    """The same words as on a server."""
    other = DatabaseUrl("sqlite", database=str(tmp_path / "other.db"))
    _script(sqlite_url, SQLITE)
    _script(other, SQLITE)
    assert compare(read(other), read(sqlite_url)) == ()
    _script(other, damage)
    (difference,) = compare(read(other), read(sqlite_url))
    assert difference.sentence.startswith(sentence)


def through(url: DatabaseUrl, driver: str) -> Snapshot:
    """Read by the connection that an env.py of this driver brings."""
    name = url.with_driver(driver).render().reveal()
    dialect = dialect_named(url.backend)
    if driver != "asyncpg":
        engine = create_engine(name)
        try:
            with engine.connect() as connection:
                return dialect.snapshot(AlchemySession(connection), VersionTable())
        finally:
            engine.dispose()

    async def read_async() -> Snapshot:
        engine = create_async_engine(name)
        async with engine.connect() as connection:
            found = await connection.run_sync(lambda inner: dialect.snapshot(AlchemySession(inner), VersionTable()))
        await engine.dispose()
        return found

    return asyncio.run(read_async())


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_every_driver_reads_the_same_schema(postgres_url: DatabaseUrl, driver: str) -> None:
    """An approved plan's schema is hashed by lockgate's own driver and held against what env.py's sees."""
    run(postgres_url, EVERYTHING)
    assert through(postgres_url, driver).digest == read(postgres_url).digest


def test_env_pys_driver_reads_the_same_sqlite_file(sqlite_url: DatabaseUrl) -> None:
    """The same, for files."""
    Database(sqlite_url).query("create table t (id integer primary key, name varchar(20) unique check (name like 'a%'))")
    assert through(sqlite_url, "").digest == read(sqlite_url).digest


def test_env_pys_driver_reads_the_same_database_of_mariadb(mariadb_url: DatabaseUrl) -> None:
    """The same, where a percent sign means something to the driver."""
    Database(mariadb_url).query("create table t (id integer primary key, name varchar(20) unique check (name like 'a%'))")
    assert through(mariadb_url, "pymysql").digest == read(mariadb_url).digest
