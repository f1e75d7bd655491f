"""`plan` of a MariaDB database, on a scratch database of the same server where the settings allow it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from building import SETTINGS, Database, Tiny
from maria import Maria
from planning import planned
from running import up

from lockgate.secret import DatabaseUrl

ALLOWED = SETTINGS.replace("[environments.dev]", "[environments.dev]\nscratch = true")
ORDERS = """op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)), sa.Column("age", sa.Integer))
op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True), sa.Column("order_id", sa.Integer, sa.ForeignKey("orders.id")))
op.create_index("ix_name", "orders", ["name"])
op.execute("create view first as select name from orders")
op.execute("create view earlier as select name from first")
op.execute("create trigger tr before insert on orders for each row set new.age = coalesce(new.age, 1)")
op.execute("insert into orders values (1, 'a', 1), (2, 'b', 2)")"""
CHANGES = """op.alter_column("orders", "age", existing_type=sa.Integer, type_=sa.BigInteger)
op.add_column("orders", sa.Column("x", sa.Integer, nullable=False))
op.execute("update orders set x = 1")
op.alter_column("orders", "name", existing_type=sa.String(50), new_column_name="label")
op.rename_table("orders", "purchases")
op.drop_column("purchases", "age")"""
RUN = """import asyncio
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine


def work(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def work_async():
    async with create_async_engine("mysql+aiomysql://app:pw@127.0.0.1:9/prod").connect() as connection:
        await connection.run_sync(work)


asyncio.run(work_async())
"""
ESCAPES = """import pymysql
with pymysql.connect(host="127.0.0.1", port=9, user="app", database="NAME") as other:
    with other.cursor() as cursor:
        cursor.execute("select database()")
        assert cursor.fetchone()[0].startswith("lockgate_plan_")
    for escape in (
        lambda: other.select_db("NAME"), lambda: other.query("drop table NAME.orders"), lambda: op.execute("use NAME"),
        lambda: op.drop_table("orders", schema="NAME"),
    ):
        try:
            escape()
        except Exception:
            continue
        raise AssertionError("a way out")
op.add_column("orders", sa.Column("x", sa.Integer))"""


@pytest.fixture
def dev(project: Tiny, mariadb_url: DatabaseUrl) -> Database:
    """Environment `dev` at r1, on a server where scratch databases may stand; later revisions are the test's."""
    project.settings(ALLOWED).point("dev", mariadb_url).revision("r1", None, ORDERS)
    up(project)
    return Database(mariadb_url)


def test_a_default_leads_to_the_copy_of_its_sequence(project: Tiny, dev: Database) -> None:
    """The server prints it with the name of the database: an INSERT into the copy would take a number of the live one."""
    dev.query("create sequence a_number")
    dev.query("create table numbered (id bigint default nextval(a_number), note varchar(10))")
    project.revision("r2", "r1", 'op.execute("insert into numbered (note) values (1)")')
    planned(project)
    assert dev.query("select next_not_cached_value from a_number") == [(1,)]



def test_a_plan_tells_how_each_alter_is_done_and_leaves_nothing(project: Tiny, dev: Database, mariadb_server: Maria) -> None:
    """Who waits, what is copied, what stays half applied; names are the target's, and the scratch database is gone."""
    project.revision("r2", "r1", CHANGES)
    before, name = dev.picture(), dev.url.database
    found, document = planned(project)
    effects = found.revisions[0].effects
    assert [effect.notices for effect in effects] == [
        ("ALGORITHM=COPY, LOCK=SHARED",), ("ALGORITHM=INSTANT",), (), ("ALGORITHM=INSTANT",), ("ALGORITHM=INSTANT",), ("ALGORITHM=INSTANT",),
    ]  # fmt: skip
    assert [[(rewrite.relation.original, rewrite.reason) for rewrite in effect.rewrites] for effect in effects[:2]] == [[(f"{name}.orders", "copy")], []]
    assert [effect.autocommit for effect in effects] == [True, True, False, True, True, True]
    renamed = [(change.kind, change.old_name, change.name) for effect in effects for change in effect.changes if change.how == "renamed"]
    assert renamed == [("column", "name", "label"), ("table", "orders", "purchases")]
    findings = {(finding["id"], finding["severity"]) for finding in document["findings"]}
    assert {("LG211", "note"), ("LG603", "note"), ("LG301", "error"), ("LG501", "warning"), ("LG502", "warning")} <= findings
    assert "LG401" not in {id for id, _ in findings}  # rows that are there get 0
    assert found.size(effects[0].locks[0].relation) is not None
    assert (dev.picture(), mariadb_server.run("show databases like 'lockgate%'")) == (before, [])


def test_nothing_reaches_beyond_the_scratch_database(project: Tiny, dev: Database) -> None:
    """It stands on the target's own server, under the same login: env.py's address, another connection, a qualified name, USE."""
    project.env_py(RUN).revision("r2", "r1", ESCAPES.replace("NAME", dev.url.database))
    before = dev.picture()
    found, _ = planned(project)
    assert [change.name for effect in found.revisions[0].effects for change in effect.changes] == ["x"]
    assert dev.picture() == before


def test_a_table_that_is_emptied_is_told_with_its_rows(project: Tiny, dev: Database) -> None:
    """TRUNCATE takes no row lock and says no number: nothing but the plan tells that all of them go."""
    project.revision("r2", "r1", 'op.execute("truncate table notes")\nop.create_table("new", sa.Column("id", sa.Integer))\nop.execute("truncate `new`")')
    dev.query("insert into notes values (1, 1), (2, 1)")
    _, document = planned(project)
    found = [(finding["severity"], finding["what"]) for finding in document["findings"] if finding["id"] == "LG303"]
    assert found == [("error", f"rows of `{dev.url.database}.notes` (2 rows today) are gone for good; a downgrade does not bring them back")]


HISTORY = """op.create_table("tags", sa.Column("id", sa.Integer, primary_key=True), sa.Column("order_id", sa.Integer))
op.execute("insert into tags values (1, 1)")
op.alter_column("orders", "name", existing_type=sa.String(50), type_=sa.Text)
op.create_index("ix_age", "orders", ["age"])
op.add_column("tags", sa.Column("note", sa.String(20)))
op.create_foreign_key("fk_order", "tags", "orders", ["order_id"], ["id"])
op.drop_column("orders", "age")"""


def test_lint_judges_a_history_on_the_server_of_scratch_url(project: Tiny, make_mariadb_database: Callable[[], DatabaseUrl], mariadb_server: Maria) -> None:
    """A pipeline has a MariaDB for it and nothing else: no variable of an environment, no database that the tables are called after."""
    bench = '[environments.bench]\nurl = { env = "BENCH_DATABASE_URL" }\nscratch = true\n'
    project.settings(f'scratch_url = {{ env = "BENCH_DATABASE_URL" }}\n{SETTINGS}{bench}').point("bench", make_mariadb_database())
    project.here("adopt", "bench", check=0, CONFIRM_ENV="bench")
    project.revision("r1", None, ORDERS)
    project.revision("r2", "r1", HISTORY)
    done = project.here("lint", "r2", "--json", check=1)
    document = json.loads(done.stdout)
    found = {(finding["id"], finding["severity"], finding["relation"]) for finding in document["findings"]}
    assert {("LG211", "warning", "orders"), ("LG301", "error", "orders.age"), ("LG603", "note", "")} <= found
    assert {name for _, _, name in found} <= {"orders", "orders.age", ""}, "nobody waits for a table that the revision itself makes"
    assert "tell which kind of database" not in done.stderr
    assert "server of `scratch_url`" in done.stderr
    assert mariadb_server.run("show databases like 'lockgate%'") == []


def test_a_downgrade_that_broke_off_is_finished_before_anything_is_planned(project: Tiny, dev: Database) -> None:
    """Its revision is neither pending nor applied: no upgrade runs from there, so a plan of one would be about something that nobody does."""
    back = 'op.drop_column("orders", "x")\nop.execute("update orders set nothing = 1")'
    project.revision("r2", "r1", 'op.add_column("orders", sa.Column("x", sa.Integer))', back)
    up(project)
    project.here("downgrade", "dev", "-1", check=1, CONFIRM_ENV="dev")
    project.revision("r3", "r2")
    refused = project.here("plan", "dev", check=5).stderr
    assert "code: no-plan" in refused
    assert "broken off here: downgrade of `r2`, 1 statement done" in refused
    assert "finish it first: lockgate downgrade dev -1" in refused


def test_where_no_scratch_database_may_stand_there_is_no_plan(project: Tiny, dev: Database) -> None:
    """Nobody makes databases on somebody's production server without having been asked to."""
    project.settings(SETTINGS).revision("r2", "r1", "pass")
    refused = project.here("plan", "dev", check=5).stderr
    assert "code: no-plan" in refused
    assert "write `scratch = true` into [environments.dev]" in refused
