"""The verbs that may lose data or rewrite history: `reset`, `downgrade` and `stamp`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from building import SETTINGS, Database, Tiny, create_table

from lockgate.secret import DatabaseUrl

DESTRUCTIVE = [("reset", "dev"), ("downgrade", "dev", "-1")]

# One of each kind of object that migrations make on PostgreSQL, some in other schemas, some hanging on each other.
ZOO = """
create extension if not exists hstore;
create extension if not exists citext;
create schema other;
create schema "Odd ""one"" name";
create type mood as enum ('sad', 'ok');
create type other.pair as (a int, b int);
create domain positive as int check (value > 0);
create type span as range (subtype = float8);
create sequence counter;
create table parent (id serial primary key, m mood, p positive, h hstore);
create table other.child (id bigint generated always as identity primary key, parent int references public.parent, q other.pair);
create table "Odd ""one"" name"."Table; --" (id int);
create table events (at date not null) partition by range (at);
create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
create view seen as select id from parent;
create materialized view counted as select count(*) from parent;
create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger touched before insert on parent for each row execute function touch();
create function twice(int) returns int language sql as 'select $1 * 2';
create function twice(text) returns text language sql as 'select $1 || $1';
create procedure work() language sql as 'select 1';
create aggregate total(int) (sfunc = int4pl, stype = int, initcond = '0');
create table derived (id int, double int generated always as (twice(id)) stored);
insert into parent (m, p, h) values ('ok', 1, 'a=>1');
refresh materialized view counted;
"""
LEFT = """
select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'lockgate') and c.relkind <> 'c'
union all
select n.nspname || '.' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
 where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   and not exists (select 1 from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
union all
select n.nspname || '.' || t.typname from pg_type t join pg_namespace n on n.oid = t.typnamespace
 where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'lockgate') and t.typtype in ('e', 'd', 'r', 'c')
   and not exists (select 1 from pg_depend d where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype in ('e', 'i'))
 order by 1
"""
FILES = """
create table parent (id integer primary key autoincrement, name text);
create table child (id integer primary key, parent integer not null references parent (id) on delete restrict);
create view seen as select id from parent;
create index by_name on parent (name);
create trigger touched after insert on parent begin insert into child (parent) values (new.id); end;
insert into parent (name) values ('x');
"""


def at_head(project: Tiny, url: DatabaseUrl) -> Database:
    """A marked database at r2 with a row in it."""
    project.tables("users", "orders").point("dev", url).here("upgrade", "dev", check=0)
    database = Database(url)
    database.query("insert into users (id, name) values (1, 'Ada')")
    return database


def without_ledger(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Everything but the ledger, into which a refusal on the right database goes."""
    return {name: rows for name, rows in database.picture().items() if not name.endswith("ledger")}


@pytest.mark.parametrize("arguments", DESTRUCTIVE)
def test_what_may_lose_data_needs_a_confirmation_that_names_this_environment(
    project: Tiny, database_url: DatabaseUrl, arguments: tuple[str, ...]
) -> None:
    """Also where the environment is open: `*` and `all` are habits, and another name is a mistake."""
    database = at_head(project, database_url)
    before = without_ledger(database)
    for confirmation in ({}, {"CONFIRM_ENV": "*"}, {"CONFIRM_ENV": "all"}, {"CONFIRM_ENV": "test"}, {"CONFIRM_ENV": ""}):
        said = project.here(*arguments, check=3, **confirmation).stderr
        assert "code: unconfirmed" in said and "changed: nothing" in said and "CONFIRM_ENV=dev" in said
    assert without_ledger(database) == before


@pytest.mark.parametrize("arguments", DESTRUCTIVE)
def test_a_ci_job_must_say_twice_that_it_may_lose_data(project: Tiny, database_url: DatabaseUrl, arguments: tuple[str, ...]) -> None:
    """A confirmation is easily copied from job to job; the second variable is set where it is meant."""
    database = at_head(project, database_url)
    before = without_ledger(database)
    said = project.here(*arguments, check=3, CONFIRM_ENV="dev", CI="true").stderr
    assert "code: destructive-in-ci" in said and "ALLOW_DESTRUCTIVE_IN_CI=1" in said
    assert without_ledger(database) == before
    project.here(*arguments, check=0, CONFIRM_ENV="dev", CI="true", ALLOW_DESTRUCTIVE_IN_CI="1")


@pytest.mark.parametrize("arguments", [("reset", "prod"), ("downgrade", "prod", "base"), ("stamp", "prod", "r1"), ("upgrade", "prod")])
def test_nothing_acts_on_a_locked_environment(project: Tiny, database_url: DatabaseUrl, arguments: tuple[str, ...]) -> None:
    """Confirmed or not."""
    project.tables("users", "orders").point("prod", database_url).here("adopt", "prod", check=0, CONFIRM_ENV="prod")
    database = Database(database_url)
    before = without_ledger(database)
    said = project.here(*arguments, check=3, CONFIRM_ENV="prod", ALLOW_DESTRUCTIVE_IN_CI="1").stderr
    assert "code: locked" in said and "changed: nothing" in said
    assert without_ledger(database) == before


@pytest.mark.parametrize("arguments", [*DESTRUCTIVE, ("stamp", "dev", "r1"), ("downgrade", "dev", "base")])
def test_an_unmarked_database_is_refused_and_nothing_is_written_to_it(
    project: Tiny, database_url: DatabaseUrl, arguments: tuple[str, ...]
) -> None:
    """Nobody knows whose it is, so not even a ledger is made in it."""
    project.tables("users", "orders").point("dev", database_url)
    database = Database(database_url)
    database.query("create table precious (id integer)")
    before = database.picture()
    assert "code: unmarked" in project.here(*arguments, check=3, CONFIRM_ENV="dev").stderr
    assert database.picture() == before


@pytest.mark.parametrize("arguments", [("reset", "test"), ("downgrade", "test", "base"), ("stamp", "test", "r1"), ("upgrade", "test")])
def test_on_the_database_of_another_environment_nothing_is_ever_written(
    project: Tiny, database_url: DatabaseUrl, arguments: tuple[str, ...]
) -> None:
    """The incident: a teardown that meant `test` and reached `dev`. Its ledger is not ours to write to either."""
    database = at_head(project, database_url)
    before = database.picture()
    project.point("test", database_url)
    said = project.here(*arguments, check=3, CONFIRM_ENV="test").stderr
    assert "code: identity-mismatch" in said and "says it is `dev`, you asked for `test`" in said
    assert database.picture() == before


def test_a_refusal_on_the_right_database_is_in_its_ledger(project: Tiny, database_url: DatabaseUrl) -> None:
    """Who tried to reset production, and when, is worth knowing."""
    database = at_head(project, database_url)
    project.here("reset", "dev", check=3)
    project.here("downgrade", "dev", "base", check=3, CONFIRM_ENV="all")
    refusals = [(verb, error.split(":")[0]) for verb, outcome, _, error in database.ledger() if outcome == "refused"]
    assert refusals == [("reset", "unconfirmed"), ("downgrade", "unconfirmed")]


def test_reset_drops_every_kind_of_object_and_keeps_extensions_and_the_ledger(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """A reset that leaves a type or a function behind fails at the next upgrade, at the worst moment."""
    project.point("dev", postgres_url).revision("r1", None, f"op.execute({ZOO!r})")
    project.here("upgrade", "dev", check=0)
    database = Database(postgres_url)
    made, extensions, ledger = database.query(LEFT), database.query("select oid, extname from pg_extension"), database.ledger()
    database.query(
        "create schema mine; create table mine.by_hand (id int); create function mine.f() returns int language sql as 'select 1'"
    )
    project.here("reset", "dev", check=0, CONFIRM_ENV="dev")
    assert len(made) > 20
    assert database.query(LEFT) == made
    assert database.query("select 1 from pg_namespace where nspname = 'mine'") == []
    assert database.query("select oid, extname from pg_extension") == extensions
    assert database.ledger()[: len(ledger)] == ledger
    assert ("reset", "reset", "") in [row[:3] for row in database.ledger()]
    assert database.heads() == ["r1"]


def test_reset_keeps_the_schema_of_the_version_table(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """No revision makes it, for Alembic needs it before the first one; somebody with more rights may have."""
    env = project.folder / "migrations" / "env.py"
    project.env_py(env.read_text().replace("connection=connection,", 'connection=connection, version_table_schema="app",'))
    project.tables("users").point("dev", postgres_url)
    database = Database(postgres_url)
    database.query("create schema app")
    project.here("adopt", "dev", check=0, CONFIRM_ENV="dev")
    project.here("upgrade", "dev", check=0)
    project.here("reset", "dev", check=0, CONFIRM_ENV="dev")
    assert database.query("select version_num from app.alembic_version") == [("r1",)]
    assert database.user_tables() == ["app.alembic_version", "users"]


def test_reset_empties_a_sqlite_file_and_brings_it_to_head(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """Foreign keys, triggers and views hang on each other there as well."""
    statements = "\n".join(f"op.execute({line!r})" for line in FILES.strip().splitlines())
    project.point("dev", sqlite_url).revision("r1", None, statements)
    project.here("upgrade", "dev", check=0)
    database = Database(sqlite_url)
    ledger = database.ledger()
    project.here("reset", "dev", check=0, CONFIRM_ENV="dev")
    assert database.query("select name from sqlite_master where type in ('view', 'trigger', 'index') and name not like 'sqlite_%'") == [
        ("seen",),
        ("by_name",),
        ("touched",),
    ]
    assert database.user_tables() == ["child", "parent"] and database.query("select count(*) from parent") == [(1,)]
    assert database.ledger()[: len(ledger)] == ledger and database.heads() == ["r1"]


def test_reset_loses_the_rows_and_reaches_head(project: Tiny, database_url: DatabaseUrl) -> None:
    """It is for development databases that went astray."""
    database = at_head(project, database_url)
    project.here("reset", "dev", check=0, CONFIRM_ENV="dev")
    assert database.query("select count(*) from users") == [(0,)]
    assert database.heads() == ["r2"] and database.user_tables() == ["orders", "users"]


@pytest.fixture
def ordinary(postgres_url: DatabaseUrl) -> Iterator[DatabaseUrl]:
    """A role that owns its own database and nothing else."""
    admin, role = Database(postgres_url), f"owner_{postgres_url.database}"
    admin.query(f"create role {role} login nosuperuser nocreatedb nocreaterole")
    admin.query(f"alter database {postgres_url.database} owner to {role}")
    yield replace(postgres_url, username=role)
    admin.query(f"alter database {postgres_url.database} owner to current_user")
    admin.query(f"drop owned by {role} cascade")
    admin.query(f"drop role {role}")


def test_an_ordinary_role_that_owns_its_database_can_do_everything(project: Tiny, ordinary: DatabaseUrl) -> None:
    """Managed servers give nobody a superuser."""
    database = at_head(project, ordinary)
    project.here("reset", "dev", check=0, CONFIRM_ENV="dev")
    assert database.heads() == ["r2"] and database.query("select count(*) from users") == [(0,)]
    project.here("downgrade", "dev", "-1", check=0, CONFIRM_ENV="dev")
    project.here("stamp", "dev", "r2", check=0)
    project.here("stamp", "dev", "r1", check=0)
    project.here("upgrade", "dev", check=0)
    assert database.heads() == ["r2"]
    assert "dev" in project.here("status", "dev", check=0).stdout
    assert project.here("history", "dev", check=0).stdout.count("upgrade") >= 3


def test_stamp_writes_the_version_table_and_nothing_else(project: Tiny, database_url: DatabaseUrl) -> None:
    """It is for databases whose tables are there already."""
    database = at_head(project, database_url)
    before = database.picture()
    project.here("stamp", "dev", "r1", check=0)
    after = database.picture()
    changed = {name for name in after if after[name] != before.get(name)}
    assert {name.replace("lockgate_", "lockgate.") for name in changed} == {"alembic_version", "lockgate.ledger", "lockgate.head_of_ledger"}
    assert set(before) == set(after)
    assert database.heads() == ["r1"]
    assert [row[:2] for row in database.ledger()][-1] == ("stamp", "stamped")


def test_downgrade_to_base_leaves_no_user_table(project: Tiny, database_url: DatabaseUrl) -> None:
    """All the way back; the marker and the ledger stay, so that it can be upgraded again."""
    database = at_head(project, database_url)
    project.here("downgrade", "dev", "base", check=0, CONFIRM_ENV="dev")
    assert database.user_tables() == [] and database.heads() == []
    assert [row[:3] for row in database.ledger()][-2:] == [("downgrade", "applied", "r2"), ("downgrade", "applied", "r1")]
    project.here("upgrade", "dev", check=0)
    assert database.heads() == ["r2"]


@pytest.mark.not_on_mariadb("DDL commits by itself; test_mariadb.py has what holds there")
def test_a_failing_downgrade_stays_where_it_was(project: Tiny, database_url: DatabaseUrl) -> None:
    """One transaction for each revision in this direction, too."""
    project.revision("r1", None, create_table("users"), 'op.drop_table("users")')
    project.revision("r2", "r1", create_table("orders"), 'op.drop_table("orders")\nop.drop_table("nowhere")')
    project.point("dev", database_url).here("upgrade", "dev", check=0)
    said = project.here("downgrade", "dev", "base", check=1, CONFIRM_ENV="dev").stderr
    assert "`r2`" in said and "changed: nothing" in said
    assert Database(database_url).heads() == ["r2"] and Database(database_url).user_tables() == ["orders", "users"]


def test_a_reset_does_not_queue_behind_a_reader_for_ever(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """A waiting DROP blocks every reader behind it; so it waits briefly, tries again, and gives up when `lock_wait` is over."""
    settings = SETTINGS.replace('protection = "open"', 'protection = "open"\nlock_wait = 1.0\nlock_timeout = 0.2', 1)
    project.settings(settings).tables("users").point("dev", postgres_url).lockgate("upgrade", "dev", check=0)
    with psycopg.connect(postgres_url.render().reveal()) as reader:
        reader.execute("select * from users")
        done = project.lockgate("reset", "dev", check=4, CONFIRM_ENV="dev")
    assert "code: lock-timeout" in done.stderr
    assert "trying reset" in done.stderr
    assert Database(postgres_url).user_tables() == ["users"]


def test_a_reset_whose_env_py_goes_elsewhere_drops_nothing(project: Tiny, make_postgres_database: Callable[[], DatabaseUrl]) -> None:
    """env.py is asked where it goes before anything is dropped, not after."""
    here, elsewhere = make_postgres_database(), make_postgres_database()
    project.tables("users").point("dev", here).point("test", elsewhere)
    project.lockgate("upgrade", "dev", check=0)
    project.lockgate("upgrade", "test", check=0)
    text = (project.folder / "migrations" / "env.py").read_text(encoding="utf-8")
    other = elsewhere.render().reveal().replace("%", "%%")
    project.env_py(text.replace("config = context.config\n", f"config = context.config\nconfig.set_main_option('sqlalchemy.url', {other!r})\n"))
    before = Database(here).contents(), Database(elsewhere).picture()
    assert "code: identity-mismatch" in project.lockgate("reset", "dev", check=3, CONFIRM_ENV="dev").stderr
    assert (Database(here).contents(), Database(elsewhere).picture()) == before
