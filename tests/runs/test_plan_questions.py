"""What a plan asks of the target: rows in the way of a statement are told by their number before it runs, and nothing else is."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from building import Database, Tiny, until
from older_server import server_of
from planning import Case, planned
from running import up

from lockgate.scratch import client_programs
from lockgate.secret import DatabaseUrl

CASES = (
    Case("nulls", "(a int)", "(null), (null), (1)", "(1)", "alter table {t} alter column a set not null", 2),
    Case("filled", "(a int)", "(1), (2)", "", "alter table {t} add column x int not null", 2),
    Case("key", "(a int)", "(1), (1), (2)", "(1), (2)", "alter table {t} add primary key (a)", 1),
    Case("key_null", "(a int)", "(1), (null)", "(1), (2)", "alter table {t} add primary key (a)", 1),
    Case("uniq", "(a text)", "('x'), ('x'), ('y')", "('x'), (null), (null)", "alter table {t} add unique (a)", 1),
    Case("lower", "(a text, b bool)", "('x', true), ('X', true)", "('x', true), ('X', false)",
         "create unique index ix_{t} on {t} (lower(a)) where b", 1),
    Case("nulls_same", "(a int)", "(null), (null)", "(null), (1)", "create unique index ix_{t} on {t} (a) nulls not distinct", 1),
    Case("checked", "(a int)", "(-1), (0), (5)", "(5), (null)", "alter table {t} add constraint ck_{t} check (a > 0)", 2),
    Case("validated", "(a int)", "(-1)", "(5)", "alter table {t} validate constraint old_{t}", 1,
         "alter table {t} add constraint old_{t} check (a > 0) not valid"),
    Case("orphan", "(a int)", "(1), (9), (9)", "(1), (null)", "alter table {t} add foreign key (a) references parents", 1),
    Case("orphan_old", "(a int)", "(9)", "(1)", "alter table {t} validate constraint old_{t}", 1,
         "alter table {t} add constraint old_{t} foreign key (a) references parents not valid"),
    Case("attached", "(a int)", "(50), (150)", "(50)", "alter table whole_{t} attach partition {t} for values from (0) to (100)", 1,
         "create table whole_{t} (a int) partition by range (a)"),
    Case("default", "(a int) partition by range (a)", "(50), (150)", "(150)", "create table p_{t} partition of {t} for values from (0) to (100)", 1),
    Case("number", "(a text)", "('1'), ('one')", "('1')", "alter table {t} alter column a type int using a::integer", 1),
    Case("short", "(a varchar(50))", "('long'), ('ok')", "('ok')", "alter table {t} alter column a type varchar(3)", 1),
    Case("scale", "(a numeric(10, 2))", "(100), (1)", "(1)", "alter table {t} alter column a type numeric(4, 2)", 1),
    Case("whole", "(a numeric)", "(1e12), (1.5)", "(1.5)", "alter table {t} alter column a type int", 1),
    Case("small", "(a bigint)", "(5000000000), (1)", "(1)", "alter table {t} alter column a type int", 1),
    Case("label", "(a mood)", "('sad'), ('ok')", "('ok')",
         "create type n_{t} as enum ('ok'); alter table {t} alter column a type n_{t} using a::text::n_{t}", 1),
    Case("json", "(a text)", "('{'), ('1')", "('1')", "alter table {t} alter column a type jsonb using a::jsonb", 1),
    Case("positive", "(a int)", "(-1), (1)", "(1)", "alter table {t} alter column a type posint", 1),
    Case("renamed", "(a int, b text)", "(null, 'x')", "(1, 'x')",
         "alter table {t} rename to n_{t}; alter table n_{t} rename column a to \"B b\"; alter table n_{t} alter column \"B b\" set not null", 1),
    Case("fresh", "(a int)", "(1), (2)", "(1)", "alter table {t} add column x int default 1; alter table {t} add unique (x)", 1),
    Case("never_filled", "(a int)", "(1), (2)", "", "alter table {t} add column x int; alter table {t} alter column x set not null", 2),
)  # fmt: skip
# What the plan mends before, and what only looks like a danger.
HARMLESS = (
    "update m_mended set a = 0 where a is null; alter table m_mended alter column a set not null",
    "alter table m_wide add column x text; update m_wide set x = 'y'; alter table m_wide alter column x set not null",
    "alter table m_free alter column a type varchar(100)",
    "alter table m_free alter column b type timestamptz",
)
SETUP = """
create type mood as enum ('sad', 'ok');
create domain posint as int check (value > 0);
create table parents (id int primary key);
insert into parents values (1);
create table m_mended (a int);
insert into m_mended values (null);
create table m_wide (a int);
insert into m_wide values (1);
create table m_free (a varchar(50), b timestamp);
insert into m_free values ('x', now());
create table "odd ""one" (note text, other text);
insert into "odd ""one" values ('a', null), ('b', null), (null, null);
"""


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch, postgres_server: Any) -> None:
    """Copies are made on the tests' own server: starting another one takes longer than a plan."""
    monkeypatch.setattr("lockgate.scratch.temporary_server", lambda: nullcontext(postgres_server))


@pytest.fixture
def dev(project: Tiny, postgres_url: DatabaseUrl) -> Database:
    """Environment `dev` at an empty first revision; its tables are the test's."""
    project.point("dev", postgres_url).revision("r1", None)
    up(project)
    return Database(postgres_url)


def tables() -> list[tuple[Case, str, str]]:
    """Each case with its dirty and its clean table, and the rows of it."""
    return [pair for case in CASES for pair in ((case, f"d_{case.name}", case.dirty), (case, f"c_{case.name}", case.clean))]


def fill(session: psycopg.Connection[Any]) -> None:
    """Make all tables with their rows."""
    session.execute(SETUP)
    for case, table, rows in tables():
        session.execute(f"create table {table} {case.columns}".encode())
        if case.name == "default":
            session.execute(f"create table rest_{table} partition of {table} default".encode())
        if rows:
            session.execute(f"insert into {table} values {rows.replace('{', '{')}".encode())
        if case.after:
            session.execute(case.after.format(t=table).encode())


def fails(session: psycopg.Connection[Any], statements: str) -> bool:
    """Whether a statement fails on the target's rows; nothing of it stays."""
    try:
        for statement in statements.split("; "):
            session.execute(statement.encode())
    except psycopg.Error:
        return True
    finally:
        session.rollback()
    return False


@pytest.mark.usefixtures("near")
def test_every_later_failure_is_foretold_with_its_number_and_nothing_else_is(project: Tiny, dev: Database) -> None:
    """The point of it all: what fails on the rows of the target fails in the plan, before anybody waits for a lock; clean rows raise no alarm."""
    with psycopg.connect(dev.url.render().reveal()) as session:
        fill(session)
        session.commit()
        texts = [case.does.format(t=table) for case, table, _ in tables()]
        fail = [fails(session, text) for text in (*texts, *HARMLESS)]
    assert fail == [True, False] * len(CASES) + [False] * len(HARMLESS)
    project.revision("r2", "r1", "\n".join(f"op.execute({statement!r})" for text in texts for statement in text.split("; ")))
    project.revision("r3", "r2", "\n".join(f"op.execute({statement!r})" for text in HARMLESS for statement in text.split("; ")))
    project.revision("r4", "r3", """op.drop_column('odd "one', "note")\nop.drop_column('odd "one', "other")""")
    before = dev.picture()
    document = planned(project, check=1)[1]
    assert dev.picture() == before
    found = [finding for finding in document["findings"] if finding["id"] in ("LG401", "LG402", "LG304")]
    told = {finding["statement"]: finding for finding in found if finding["severity"] == "error"}
    last = {case.does.format(t=f"d_{case.name}").split("; ")[-1]: case.count for case in CASES}
    assert sorted(told) == sorted(last)
    # What may be rounded instead does not stop anything.
    assert [finding["what"] for finding in told.values() if finding["fails"] == ("rounded" in finding["what"])] == []
    assert [statement for statement, count in last.items() if not re.search(rf"\b{count} (row|key|value|duplicate)", told[statement]["what"])] == []
    assert {finding["statement"].split()[2] for finding in found if finding["severity"] == "warning"} == {"m_mended"}
    assert "unless r3 line 13 mends that before" in next(finding["what"] for finding in found if finding["severity"] == "warning")
    lost = {finding["relation"]: (finding["severity"], finding["what"]) for finding in document["findings"] if finding["id"] == "LG301"}
    assert [(severity, re.search(r"\d values?", what)[0]) for severity, what in lost.values()] == [("error", "2 values"), ("note", "0 values")]  # type: ignore[index]


QUERIES = """
select name from people where id = $1;
select * from people;
insert into people (name) values ($1);
update people set nick = $1 where mood = 'sad';
select broken before;
select id from people
"""


@pytest.mark.usefixtures("near")
def test_known_queries_that_break_are_named(project: Tiny, dev: Database) -> None:
    """A rename looks harmless until somebody knows which of the running queries names the old column."""
    for statement in ("create type mood as enum ('sad')", "create table people (id serial primary key, name text, nick text, mood mood)"):
        dev.query(statement)
    (project.folder / "queries.sql").write_text(QUERIES, encoding="utf-8")
    steps = ("rename column nick to alias", "add column country text", "alter column country set not null")
    lines = [f"op.execute({f'alter table people {step}'!r})" for step in steps]
    project.revision("r2", "r1", "\n".join([*lines, "op.execute(\"alter type mood rename value 'sad' to 'low'\")"]))
    document = planned(project, "--queries", "queries.sql")[1]
    workload = document["effects"]["workload"]
    assert (workload["source"], workload["known"]) == ("queries.sql", 5)
    told = {(finding["id"], finding["severity"], finding["relation"]): finding["what"] for finding in document["findings"]}
    assert "1 of 5 known queries fails: `update people" in told["LG501", "error", "public.people.nick"]
    assert "1 of 5 known queries fails: `update people" in told["LG501", "error", "public.mood.sad"]
    assert "1 of 5 known queries fails: `insert into people" in told["LG502", "error", "public.people"]
    assert "1 of 5 known queries returns other columns or types, as `select * from people`" in told["LG505", "warning", ""]
    assert "usage" in project.here("plan", "dev", "--queries", "nothing.sql", check=2).stderr


SETTINGS = "-c shared_preload_libraries=pg_stat_statements -c max_prepared_transactions=2 -c wal_level=logical"
FIRST = """op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))
op.create_table("customers", sa.Column("id", sa.Integer))"""
SECOND = """op.add_column("orders", sa.Column("x", sa.Integer))
op.drop_column("orders", "name")
op.add_column("customers", sa.Column("x", sa.Integer))
op.add_column("alien", sa.Column("x", sa.Integer))
op.execute("create extension citext")
op.execute("create extension file_fdw")
with op.get_context().autocommit_block():
    op.execute("create unique index concurrently if not exists once on customers (id)")"""
ADMIN = (
    "create extension pg_stat_statements",
    "create table alien (a int)",
    "grant select on alien to app",
    "create publication news for table orders",
    "alter role app set lock_timeout = '5s'",
)


@pytest.mark.usefixtures("near")
def test_a_busy_target_says_who_is_in_the_way(project: Tiny, tmp_path: Path) -> None:
    """What the schema cannot tell: forgotten transactions, subscribers, standbys, rights, and what the application asks all day."""
    with server_of(client_programs(), SETTINGS) as server:
        admin = Database(server.url("dev"))
        Database(server.url("postgres")).query("create role app login")
        Database(server.url("postgres")).query("create database dev owner app")
        url = replace(server.url("dev"), username="app")
        project.point("dev", url).revision("r1", None, FIRST)
        up(project)
        for statement in ADMIN:
            admin.query(statement)
        Database(url).query("insert into customers values (1), (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            Database(url).query("create unique index concurrently once on customers (id)")
        Database(url).query("delete from customers")
        for _ in range(3):
            Database(url).query("select name from orders where id = 1")
        Database(url).query("begin; lock table customers in row exclusive mode; prepare transaction 'two'")
        with psycopg.connect(url.render().reveal()) as forgotten, standby(server.url("dev"), tmp_path):
            forgotten.execute("select 1 from orders")
            until(lambda: admin.query("select 1 from pg_stat_replication") != [], "the standby is there")
            project.revision("r2", "r1", SECOND)
            planned(project)  # its own questions name `orders.name` as well, and are no queries of the application
            document = planned(project)[1]
    told = {(finding["id"], finding["severity"], finding["relation"]): finding["what"] for finding in document["findings"]}
    assert "; 1 of" in told["LG501", "error", "public.orders.name"]
    assert "`select name from orders where id = $1`" in told["LG501", "error", "public.orders.name"]
    idle = told["LG801", "warning", "public.orders"]
    assert idle.startswith("when the plan was made, `public.orders` was idle in a transaction that had been open for ")
    assert idle.endswith("the statement waits for its end; lock_timeout 5 s bounds it: up to 5 s at a time, tried again for up to 5 min")
    assert {row["relation"]: row["wait_s"] for row in document["timeline"]}["public.orders"] == 5.0
    assert "nobody has ended (prepared transaction two, app)" in told["LG801", "warning", "public.customers"]
    assert "publication `news`: DDL is not replicated" in told["LG802", "warning", "public.orders"]
    assert "standby `pg_receivewal`" in told["LG803", "note", "public.orders"]
    assert "once is there already and INVALID" in told["LG403", "warning", "once"]
    assert "`app` is neither the owner of `public.alien`" in told["LG407", "error", "public.alien"]
    assert "`app` is refused" in told["LG407", "warning", "file_fdw"]
    assert ("LG407", "warning", "citext") not in told  # trusted, and `app` owns the database


@contextmanager
def standby(url: DatabaseUrl, folder: Path) -> Iterator[None]:
    """Somebody who takes the WAL away as a standby does."""
    folder.chmod(0o777)
    where = ["-h", url.query["host"], "-p", url.query["port"], "-U", url.username, "-D", str(folder)]
    process = subprocess.Popen([client_programs() / "pg_receivewal", *where])
    try:
        yield
    finally:
        process.terminate()
        process.wait()
