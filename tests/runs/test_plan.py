"""`plan`: what pending revisions will do, seen on a copy; the database itself and whatever env.py names are left alone."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import older_server
import psycopg
import pytest
from building import Database, Tiny
from planning import RUN, planned
from running import up

import lockgate
from lockgate.hazards.approved import read_plan
from lockgate.hazards.effects import RevisionEffects, read_effects, write_effects
from lockgate.runs.checkout import marked_commit_of
from lockgate.secret import DatabaseUrl

ORDERS = """op.create_table(
    "orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)), sa.Column("age", sa.Integer)
)"""
# A host of its own that nobody's settings know, by each way of connecting that there is.
ENV = {
    "psycopg2": "from sqlalchemy import create_engine\nengine = create_engine('postgresql+psycopg2://app:pw@127.0.0.1:{port}/prod')",
    "creator": "import psycopg\nfrom sqlalchemy import create_engine\n"
    "engine = create_engine('postgresql+psycopg://', creator=lambda: psycopg.connect('host=127.0.0.1 port={port} user=app dbname=prod'))",
    "asyncpg": "from sqlalchemy.ext.asyncio import create_async_engine\n"
    "engine = create_async_engine('postgresql+asyncpg://app:pw@127.0.0.1:{port}/prod')",
    "psycopg_async": "from sqlalchemy.ext.asyncio import create_async_engine\n"
    "engine = create_async_engine('postgresql+psycopg_async://app:pw@127.0.0.1:{port}/prod')",
}
BARE = """import asyncio, asyncpg, psycopg, psycopg2
for library in (psycopg, psycopg2):
    with library.connect("host=127.0.0.1 port={port} user=app password=pw dbname=prod") as connection:
        cursor = connection.cursor()
        cursor.execute("select current_database()")
        assert cursor.fetchone()[0].startswith("lockgate_plan_")
async def ask():
    connection = await asyncpg.connect("postgresql://app:pw@127.0.0.1:{port}/prod")
    assert (await connection.fetchval("select current_database()")).startswith("lockgate_plan_")
    await connection.close()
import threading
thread = threading.Thread(target=asyncio.run, args=(ask(),))
thread.start()
thread.join()"""


@pytest.fixture
def dev(project: Tiny, postgres_url: DatabaseUrl) -> Database:
    """Environment `dev` at r1, which makes `orders`; later revisions are the test's."""
    project.point("dev", postgres_url).revision("r1", None, ORDERS)
    up(project)
    return Database(postgres_url)


@pytest.fixture
def live_host() -> Iterator[socket.socket]:
    """A socket that listens on 127.0.0.1 and hears whoever connects."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.setblocking(False)
        yield server


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch, postgres_server: Any) -> None:
    """Copies are made on the tests' own server: starting another one takes longer than a plan."""
    monkeypatch.setattr("lockgate.scratch.temporary_server", lambda: nullcontext(postgres_server))


def strongest(revision: RevisionEffects) -> list[tuple[str, list[str]]]:
    """Command and strongest table locks of each statement."""
    return [
        (effect.command, [f"{lock.strongest} {lock.relation.name}" for lock in effect.locks if lock.relation.kind == "table"])
        for effect in revision.effects
    ]


@pytest.mark.usefixtures("near")
@pytest.mark.parametrize("way", ENV)
def test_nothing_reaches_the_host_that_env_py_names(project: Tiny, dev: Database, live_host: socket.socket, way: str) -> None:
    """The first thing that must be true of a plan: whatever env.py resolves, production does not hear of it, and the trace is the same."""
    port = live_host.getsockname()[1]
    project.revision("r2", "r1", 'op.add_column("orders", sa.Column("x", sa.Integer))\n' + BARE.format(port=port))
    project.env_py(ENV[way].format(port=port) + RUN)
    before = dev.picture()
    found, _ = planned(project)
    assert strongest(found.revisions[0]) == [("ALTER TABLE", ["AccessExclusiveLock orders"])]
    with pytest.raises(BlockingIOError):
        live_host.accept()
    assert dev.picture() == before


REMOTE = """create extension postgres_fdw;
create server other foreign data wrapper postgres_fdw options (host '127.0.0.1', port '{port}', dbname 'prod');
create user mapping for public server other options (user 'app', password 'pw');
create foreign table remote (id integer) server other;"""


@pytest.mark.usefixtures("near")
@pytest.mark.parametrize("statement", ["update remote set id = 1", "select dblink_connect('host=127.0.0.1 port={port}')", "create extension dblink"])
def test_the_scratch_server_reaches_nobody_either(project: Tiny, dev: Database, live_host: socket.socket, statement: str) -> None:
    """The jail shuts in drivers; foreign tables and dblink are the server's own way out."""
    port = live_host.getsockname()[1]
    with psycopg.connect(dev.url.render().reveal(), autocommit=True) as session:
        session.execute(REMOTE.format(port=port).encode())
    project.revision("r2", "r1", f'op.execute("{statement.format(port=port)}")')
    found, _ = planned(project, check=1)
    assert found.stubs == ("postgres_fdw",)
    with pytest.raises(BlockingIOError):
        live_host.accept()


@pytest.mark.usefixtures("near")
def test_no_password_of_a_definition_is_kept_in_a_plan(project: Tiny, dev: Database) -> None:
    """A plan is sent to whoever approves it, and may lie in git; `--json` masks the same texts."""
    project.revision("r2", "r1", "op.execute(\"create view far as select 'host=db password=hunter22 dbname=x' as dsn\")")
    kept = project.folder / "plan.json"
    project.here("plan", "dev", "--out", str(kept), check=0)
    text = kept.read_text(encoding="utf-8")
    assert "create view far" in text and "hunter22" not in text
    assert read_plan(text).intact


NEEDY = '''# lockgate: allow LG402 order 5 is there in every environment
op.execute("insert into items (order_id) values (5)")
op.create_index("ix_age", "orders", ["age"])'''
ASSERTING = """op.execute("create index ix_name on orders (name)")
# lockgate: allow LG406 orders has rows
assert op.get_bind().scalar(sa.text("select count(*) from orders"))"""


@pytest.mark.usefixtures("near")
def test_rows_that_only_the_copy_misses_stop_no_plan_once_somebody_says_so(project: Tiny, dev: Database) -> None:
    """A locked environment is changed by a kept plan alone: a revision that is right must have a way there, and what follows is judged."""
    dev.query("create table items (order_id integer references orders)")
    dev.query("insert into orders values (5, 'x', 1)")
    project.revision("r2", "r1", NEEDY.partition("\n")[2])
    kept = project.folder / "plan.json"
    alone = project.here("plan", "dev", "--out", str(kept), check=1)
    assert "the copy has none of the target's rows" in alone.stdout and "lockgate: allow LG402 REASON" in alone.stdout
    assert "where only the copy lacks the rows, allow it where it stands: # lockgate: allow LG402 REASON" in alone.stderr
    assert not kept.exists()
    for name, before, body in (("r2", "r1", NEEDY), ("r3", "r2", ASSERTING), ("r4", "r3", 'op.drop_column("orders", "name")')):
        project.revision(name, before, body)
    found, document = planned(project, "--out", str(kept))
    assert [(revision.id, revision.fault is not None) for revision in found.revisions] == [("r2", False), ("r3", True), ("r4", False)]
    assert [effect.spared for effect in found.revisions[0].effects] == [True, False]
    told = {(finding["revision"], finding["id"]) for finding in document["findings"]}
    assert {("r2", "LG206"), ("r4", "LG301")} <= told and ("r3", "LG406") not in told, "what follows a failure is judged"
    assert [one["finding"]["id"] for one in document["allowed"]] == ["LG402", "LG406"]
    assert read_plan(kept.read_text(encoding="utf-8")).plan.revisions == ("r2", "r3", "r4")
    up(project)


@pytest.mark.usefixtures("near")
def test_a_plan_that_foretells_a_failure_is_not_kept(project: Tiny, dev: Database) -> None:
    """What is signed must be what can run; whoever knows better says why beside the statement."""
    dev.query("insert into orders values (5, null, 1)")
    statement = 'op.alter_column("orders", "name", nullable=False)'
    project.revision("r2", "r1", statement)
    kept = project.folder / "plan.json"
    failed = project.here("plan", "dev", "--out", str(kept), check=1)
    assert "revision `r2` will fail: 1 row without a value in `public.orders.name`" in failed.stderr and "code: plan-fails" in failed.stderr
    assert not kept.exists()
    project.revision("r2", "r1", f"{statement}  # lockgate: allow LG401 the rows are mended before")
    author = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for command in (("init", "-q"), ("add", "."), (*author, "commit", "-q", "-m", "first")):
        assert project.run(["git", *command], {}).returncode == 0
    commit = project.run(["git", "rev-parse", "HEAD"], {}).stdout.strip()
    queries = project.folder / "queries.sql"
    queries.write_text("select name from orders; select nothing from orders;", encoding="utf-8")
    said = project.here("plan", "dev", "--out", str(kept), "--queries", str(queries), check=0).stderr
    assert "1 of the queries" in said and "do not run as the schema is now" in said
    assert read_plan(kept.read_text(encoding="utf-8")).plan.git_commit == commit
    project.revision("r3", "r2")
    assert marked_commit_of(project.folder, ["migrations/versions/r2.py", "migrations/versions/r3.py"], project.environ | os.environ) == f"{commit}-dirty"


ABOUT_THE_DATABASE = """op.execute("grant connect on database NAME to public")
op.execute("ALTER DATABASE \\"NAME\\" SET statement_timeout = '1h'")
op.execute("comment on database NAME is 'database NAME'")
op.execute("alter role postgres in database NAME set work_mem = '8MB'")
op.execute("grant connect on database other to public")"""


@pytest.mark.usefixtures("near")
def test_statements_about_the_database_itself_run_on_the_copy(project: Tiny, dev: Database) -> None:
    """The copy has another name; that of the database means the copy, any other one is as wrong as it is on the target."""
    project.revision("r2", "r1", ABOUT_THE_DATABASE.replace("NAME", dev.url.database))
    before = dev.picture()
    found, _ = planned(project, check=1)
    faults = [effect.fault.state if effect.fault else "" for effect in found.revisions[0].effects]
    assert faults == ["", "", "", "", "3D000"]
    assert dev.url.database in found.revisions[0].effects[0].text, "people read what they wrote"
    assert dev.picture() == before


@pytest.mark.usefixtures("near")
def test_a_revision_that_waits_for_itself_is_told(project: Tiny, dev: Database) -> None:
    """A lock that one connection of a revision keeps from the other is never free: a plan must say so, and not hang with it."""
    second = 'op.execute("alter table orders add x integer")\nother = op.get_bind().engine.connect()\n'
    project.revision("r2", "r1", f"{second}other.execute(sa.text('select * from orders'))")
    failed = project.here("plan", "dev", check=1)
    assert "code: plan-fails" in failed.stderr
    assert "LG406" in failed.stdout and "the revision waits for itself" in failed.stdout, failed.stdout + failed.stderr


@pytest.mark.usefixtures("near")
def test_a_plan_ends(project: Tiny, dev: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for something outside of the database has no lock that could time out."""
    monkeypatch.setattr("lockgate.runs.plan_child._LONGEST_S", 10.0)
    project.revision("r2", "r1", "import threading\nthreading.Event().wait()")
    assert "code: no-plan" in project.here("plan", "dev", check=5).stderr


WIDEN = """op.add_column("orders", sa.Column("x", sa.Integer))
op.alter_column("orders", "age", type_=sa.BigInteger)
op.execute("create index if not exists ix_name on orders (name)")
for (number,) in op.get_bind().execute(sa.text("select id from orders")).fetchall():
    op.execute(f"update orders set x = 1 where id = {number}")
with op.get_context().autocommit_block():
    op.create_index("ix_age", "orders", ["age"], postgresql_concurrently=True)
import os
import pathlib
pathlib.Path(r"FOLDER/seen").write_text(repr(dict(os.environ)))"""


def test_a_plan_tells_what_happens_up_to_the_statement_that_fails(project: Tiny, dev: Database) -> None:
    """One look at everything: locks and who keeps them, a rewrite, what is not told, the failing line, and nothing behind it."""
    dev.query("create index ix_name on orders (name)")  # by hand: the copy must be of this database, not of what the revisions make
    dev.query("insert into orders select n, 'x', n from generate_series(1, 500) n")
    dev.query("analyze orders")
    project.revision("r2", "r1", WIDEN.replace("FOLDER", str(project.folder)))
    project.revision("r3", "r2", 'op.drop_column("orders", "name")\nop.drop_column("orders", "nothing")')
    project.revision("r4", "r3", 'op.drop_table("orders")')
    before = dev.picture()
    found, document = planned(project, "-q", "--debug", check=1)
    assert (document["code"], document["exit"], document["changed"]) == ("plan-fails", 1, [])
    assert "versions/r3.py:14" in document["where"]
    assert [(revision.id, revision.fault is not None) for revision in found.revisions] == [("r2", False), ("r3", True)]
    widen, drop = found.revisions
    assert strongest(widen) == [
        ("ALTER TABLE", ["AccessExclusiveLock orders"]),
        ("ALTER TABLE", ["ShareLock orders"]),
        ("CREATE INDEX", []),
        ("SELECT", ["AccessShareLock orders"]),
        ("CREATE INDEX", ["ShareUpdateExclusiveLock orders"]),
    ]
    assert [effect.line for effect in widen.effects] == [13, 14, 15, 16, 19]
    assert [effect.transaction for effect in widen.effects[:4]] == [1, 1, 1, 1]
    assert widen.effects[4].transaction > 1
    assert [effect.autocommit for effect in widen.effects] == [False, False, False, False, True]
    assert [rewrite.reason for rewrite in widen.effects[1].rewrites] == ["type"]
    assert "already exists" in widen.effects[2].notices[0]
    assert widen.effects[4].builds[0].concurrently
    assert widen.not_run == (17,)
    fault = drop.effects[-1].fault
    assert fault is not None
    assert (fault.state, fault.line) == ("42703", 14)
    size = found.size(widen.effects[0].locks[0].relation)
    assert size is not None
    assert (size.path, size.rows, size.indexes) == ("public.orders", 500, 2)
    seen = (project.folder / "seen").read_text(encoding="utf-8")
    assert "DATABASE_URL" not in seen
    assert dev.picture() == before
    assert read_effects(write_effects(found)) == found


LOOP = """
for row in op.get_bind().execute(sa.text("select 1 from orders")):
    op.execute("drop table orders")"""


@pytest.mark.usefixtures("near")
def test_people_read_the_worst_first_and_statements_where_they_ask(project: Tiny, dev: Database) -> None:
    """Who is tired reads three lines; they must be those that matter, and an unknown must not look like a clean bill."""
    narrow = 'op.create_index("ix_age", "orders", ["age"])\nop.alter_column("orders", "name", type_=sa.String(20))'
    project.revision("r2", "r1", narrow + LOOP)
    dev.query("create view names as select age from orders")
    dev.query("insert into orders values (1, repeat('x', 30), 1)")
    said = project.here("plan", "dev", "--statements", check=1).stdout
    lines = said.splitlines()
    assert lines[0] == f"plan of `dev` ({dev.url.place}), at r1"
    assert re.match(r"`dev`: (\d errors?, )?\d warnings?, .* in 1 revision \(schema of dev, traced on PostgreSQL", lines[1])
    order = [said.index(part) for part in ("HAZARD", "  where: migrations/versions/r2.py:14", "  safer:", "█", "ACCESS EXCLUSIVE orders")]
    assert order == sorted(order), "findings, one by one, then the bars, then the statements"
    assert "LG607" in said and "migrations/versions/r2.py:16 did not run on the copy" in said
    table = lines[lines.index(next(line for line in lines if line.startswith("REVISION"))) + 1 :]
    assert "ALTER COLUMN name TYPE VARCHAR(20)" in table[0] and "rewrites orders (type, 2 indexes built again)" in table[0]
    assert "SHARE orders" in table[1]
    assert "REVISION  LINE" not in project.here("plan", "dev", check=1).stdout
    project.revision("r2", "r1", 'op.alter_column("orders", "age", type_=sa.BigInteger)')
    failed = project.here("plan", "dev", check=1)
    assert failed.stdout.splitlines()[4].startswith("ERROR"), "what fails is the worst"
    assert "0A000" in failed.stdout and "on view " in failed.stdout and "code: plan-fails" in failed.stderr


@pytest.mark.usefixtures("near")
def test_one_run_serves_the_log_the_code_host_and_the_reader(project: Tiny, dev: Database) -> None:
    """A pipeline plans once: annotations on stdout, files beside it, a step's summary that keeps what others wrote, a status that it chose."""
    project.revision("r2", "r1", 'op.drop_column("orders", "name")\nop.create_index("ix_age", "orders", ["age"])')
    dev.query("insert into orders values (1, 'x', 1)")
    before, folder = dev.picture(), project.folder
    (folder / "summary").write_text("tests: 7 passed\n", encoding="utf-8")
    project.environ |= {"GITHUB_STEP_SUMMARY": str(folder / "summary"), "GITHUB_WORKSPACE": str(folder.parent)}
    reports = ("plan.sarif", "plan.html", "plan.md", "plan.json", "text:plan", f"markdown:{folder / 'summary'}")
    files = [word for name in reports for word in ("--report", name if ":" in name and "summary" in name else _into(folder, name))]
    said = project.here("plan", "dev", "--format", "github", *files, "--fail-on", "warning", check=1)
    assert "code: plan-findings" in said.stderr and "`--fail-on warning`" in said.stderr
    first = said.stdout.splitlines()[0]
    assert first.startswith(f"::error file={folder.name}/migrations/versions/r2.py,line=13,title=LG301 data-dropped::"), "named from the checkout's root"
    sarif, document = (json.loads((folder / name).read_text("utf-8")) for name in ("plan.sarif", "plan.json"))
    place = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert place == f"{folder.name}/migrations/versions/r2.py"
    assert (document["code"], document["exit"], document["findings"][0]["id"]) == ("plan-findings", 1, "LG301")
    assert (folder / "plan.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert (folder / "plan").read_text("utf-8").startswith("plan of `dev`")
    summary = (folder / "summary").read_text("utf-8")
    assert summary.startswith("tests: 7 passed\n### Migration plan for dev: ")
    assert (folder / "plan.md").read_text("utf-8") in summary
    assert project.here("plan", "dev", "--fail-on", "LG201", "--fail-on", "rewrite-default", check=0).stderr.count("error:") == 0
    for words, complaint in (
        (("--report", "plan.pdf"), "does not tell the format"),
        (("--report", f"html:{folder}"), "no file that can be replaced"),
        (("--fail-on", "LG999"), "there is no hazard `LG999`"),
        (("--json", "--format", "html"), "exclude each other"),
    ):
        refused = project.here("plan", "dev", *words, check=2)
        assert complaint in refused.stderr + refused.stdout
    assert dev.picture() == before


def _into(folder: Path, name: str) -> str:
    kind, colon, rest = name.rpartition(":")
    return f"{kind}{colon}{folder / rest}"


@pytest.mark.usefixtures("near")
def test_an_environment_says_how_long_it_bears_a_block(project: Tiny, dev: Database) -> None:
    """Half a second is nothing at night and an incident in a shop; from Python as well, with what must not be found."""
    dev.query("insert into orders select n, 'x', n from generate_series(1, 2000) n")
    dev.query("analyze orders")
    project.revision("r2", "r1", 'op.create_index("ix_age", "orders", ["age"])')

    def found(**options: Any) -> tuple[str, str]:
        done = lockgate.plan(lockgate.load_project(project.folder), "dev", environ=project.environ, **options)
        (build,) = [finding for finding in done.findings.findings if finding.id == "LG206"]
        return build.severity.value, done.code

    assert found() == ("note", "")
    assert found(fail_on=["index-build"]) == ("note", "plan-findings")
    text = (project.folder / "lockgate.toml").read_text(encoding="utf-8")
    table = "[environments.dev]\n"
    assert table in text
    project.settings(text.replace(table, f"{table}blocked_warning = 0.001\n"))
    assert found() == ("warning", "")
    project.settings(text.replace(table, f"{table}blocked_warning = 0.001\nblocked_error = 0.002\n"))
    assert found(fail_on=["error"]) == ("error", "plan-findings")


@pytest.mark.usefixtures("near")
def test_a_plan_does_not_queue_in_front_of_the_application(project: Tiny, dev: Database) -> None:
    """Whoever waits for a table makes everybody behind him wait: a plan gives up after two seconds."""
    project.revision("r2", "r1", 'op.drop_table("orders")')
    with psycopg.connect(dev.url.render().reveal()) as busy:
        busy.execute("lock table orders")
        refused = project.here("plan", "dev", "--json", check=4)
    assert json.loads(refused.stdout)["code"] == "lock-timeout"


def test_what_cannot_be_planned_says_so(project: Tiny, dev: Database) -> None:
    """No answer is not "harmless": another environment's database, a revision that is not there."""
    assert "nothing is pending" in project.here("plan", "dev", check=0).stdout
    project.point("test", dev.url).revision("r2", "r1", "pass")
    assert "identity-mismatch" in project.here("plan", "test", check=3).stderr
    assert "revision-not-found" in project.here("plan", "dev", "r9", check=2).stderr


UUIDS = """
set allow_system_table_mods = on;
insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
  values (pg_nextoid('pg_extension'::regclass, 'oid', 'pg_extension_oid_index'::regclass), 'uuid-ossp', 10, 'public'::regnamespace, true, '1.1');
create function uuid_generate_v4() returns uuid language internal volatile as 'gen_random_uuid';
alter extension "uuid-ossp" add function uuid_generate_v4();
create type vec;
create function vec_in(cstring) returns vec language internal immutable strict as 'textin';
create function vec_out(vec) returns cstring language internal immutable strict as 'textout';
create type vec (input = vec_in, output = vec_out, typmod_in = varchartypmodin, typmod_out = varchartypmodout, like = text);
alter extension "uuid-ossp" add type vec;
alter extension "uuid-ossp" add function vec_in(cstring);
alter extension "uuid-ossp" add function vec_out(vec);
create table tokens (id uuid primary key default uuid_generate_v4(), place vec(3));
"""


@pytest.mark.usefixtures("near")
def test_an_extension_that_the_scratch_server_lacks_is_imitated(project: Tiny, dev: Database) -> None:
    """The embedded server has few extensions, production has its own; what a function does changes no lock."""
    with psycopg.connect(dev.url.render().reveal(), autocommit=True) as session:
        session.execute(UUIDS)  # type: ignore[call-overload]
    project.revision(
        "r2", "r1", 'op.execute(\'create extension if not exists "uuid-ossp"\')\nop.execute("insert into tokens default values")\nop.drop_table("tokens")'
    )
    found, _ = planned(project)
    assert found.stubs == ("uuid-ossp",)
    assert [(effect.command, effect.rowcount) for effect in found.revisions[0].effects[:2]] == [("CREATE EXTENSION", -1), ("INSERT", 1)]
    assert [drop.identity for drop in found.revisions[0].effects[2].drops if drop.named] == ["public.tokens"]


def test_the_process_that_asks_imports_neither_alembic_nor_sqlalchemy(project: Tiny) -> None:
    """The other one does, while the schema is copied: twice, they would be a third of a small plan."""
    code = "import sys, lockgate.cli.plan, lockgate.runs.plan\nprint(sorted({'alembic', 'sqlalchemy'} & set(sys.modules)))"
    assert project.run([sys.executable, "-c", code], {}).stdout.strip() == "[]"


if older_server.INSTALLED:

    @pytest.mark.usefixtures("near")
    def test_a_database_of_an_older_server_is_planned_on_the_embedded_one(project: Tiny, older_postgres_server: Any) -> None:
        """Locks are the same on both; the plan says which server it was traced on and which it is for."""
        older_postgres_server.create_database("planned")
        project.point("dev", older_postgres_server.url("planned")).revision("r1", None, ORDERS)
        up(project)
        project.revision("r2", "r1", 'op.create_index("ix", "orders", ["age"])')
        found, _ = planned(project)
        assert found.preflight is not None
        assert not found.preflight.unknown, "its catalog answers the same questions"
        assert (found.server, found.scratch.split(".")[0]) == (f"PostgreSQL {older_server.MAJOR}", "PostgreSQL 18")
        assert strongest(found.revisions[0]) == [("CREATE INDEX", ["ShareLock orders"])]


@pytest.mark.usefixtures("near")
def test_the_way_back_is_tried_as_well(project: Tiny, dev: Database) -> None:
    """At three in the morning a downgrade is run for the first time; what it forgets is known before."""
    project.revision(
        "r2", "r1", 'op.drop_column("orders", "name")\nop.create_index("ix", "orders", ["age"])', 'op.drop_index("ix", "orders")'
    )
    found, _ = planned(project)
    assert [(revision.id, revision.direction, [effect.command for effect in revision.effects]) for revision in found.back] == [
        ("r2", "downgrade", ["DROP INDEX"])
    ]
    assert [(change.how, change.kind, change.name) for change in found.unrestored] == [("dropped", "column", "name")]
    said = project.here("plan", "dev", check=0).stdout
    assert "LG604" in said and "column orders.name is not back" in said
    project.revision("r2", "r1", 'op.drop_column("orders", "name")', "raise NotImplementedError")
    assert "NotImplementedError" in project.here("plan", "dev", check=0).stdout
