"""Revisions that leave their transaction, broken off anywhere: every rerun reaches head, no row twice, no INVALID index."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from building import SETTINGS, TEMPLATES, Database, Tiny, create_table, until
from running import lock_is_free, up, up_fails

from lockgate.events import Event, Notice
from lockgate.secret import DatabaseUrl

INVALID = "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid where not i.indisvalid"
# Before this phase the index is not in the catalog yet: a build that ends then leaves nothing behind.
BUILDING = "select pid from pg_stat_progress_create_index where datname = current_database() and phase like 'waiting for writers%'"
# The process ends like one that was killed, where the variable says so: nothing is tidied up.
DIE = 'import os, signal\ndef die(place):\n    if os.environ.get("DIE") == place: os.kill(os.getpid(), signal.SIGKILL)'


def index(name: str = "first_name", cautious: bool = False) -> str:
    """The statement that builds an index on the names of `first`."""
    return f"create index concurrently {'if not exists ' if cautious else ''}{name} on first (name) where name <> ''"


def run(sql: str) -> str:
    """The line that runs a statement."""
    return f"op.execute({sql!r})"


def outside(*statements: str) -> str:
    """An autocommit block."""
    return "with op.get_context().autocommit_block():\n" + "\n".join(f"    {line}" for line in statements)


@pytest.fixture
def started(project: Tiny, postgres_url: DatabaseUrl) -> Tiny:
    """A project whose first revision, table `first`, is applied."""
    project.tables("first").point("dev", postgres_url)
    up(project)
    return project


def noticed(heard: list[Event]) -> str:
    """All notices in one text."""
    return "\n".join(event.text for event in heard if isinstance(event, Notice))


BACKFILL = f"""{DIE}
{create_table("copies")}
op.execute("insert into copies (id, name) values (1, 'before')")
with op.get_context().autocommit_block():
    die("1")
    for number in (2, 3):
        done = op.get_bind().execute(sa.text("insert into copies (id, name) select n + coalesce((select max(id) from copies), 0), :name from (select 1 as n) one"), {{"name": f"copy {{number}}"}})
        assert done.rowcount == 1
        die(str(number))
    left = op.get_bind().execute(sa.text("select count(*) from copies")).scalar()
    op.execute(f"insert into copies (name, id) values ('counted {{left}}', 100)")
    die("4")
op.execute("insert into copies (id, name) values (200, 'after')")
die("5")"""


def test_a_backfill_outside_a_transaction_writes_every_row_once_wherever_it_is_broken_off(project: Tiny, database_url: DatabaseUrl) -> None:
    """Run again from the top it would double them; the table of before the block, too, is there already."""
    project.tables("first").point("dev", database_url)
    project.revision("r2", "r1", BACKFILL)
    for place in ("1", "3", "4", "5"):
        assert project.lockgate("upgrade", "dev", DIE=place).returncode == -signal.SIGKILL
        assert Database(database_url).heads() == ["r1"]
    until(lambda: lock_is_free(database_url), "the lock of the dead run")
    heard: list[Event] = []
    assert up(project, notify=heard.append).to_heads == ("r2",)
    assert "broken off by an earlier run" in noticed(heard)
    database = Database(database_url)
    rows = [(1, "before"), (2, "copy 2"), (3, "copy 3"), (100, "counted 3"), (200, "after")]
    assert database.query("select id, name from copies order by id") == rows
    assert database.applied() == ["r1", "r2"]
    name = "lockgate_journal" if database_url.backend == "sqlite" else "lockgate.journal"
    assert database.query(f"select * from {name}") == []


def test_random_ids_and_times_do_not_make_a_row_another_one(started: Tiny, postgres_url: DatabaseUrl) -> None:
    """They differ in each run; refusing the rerun for them would leave it half applied for ever."""
    table = 'table = op.create_table("events", sa.Column("id", sa.Uuid, primary_key=True), sa.Column("at", sa.DateTime), sa.Column("name", sa.Text))'
    row = 'op.bulk_insert(table, [{"id": uuid.uuid4(), "at": datetime.datetime.now(), "name": "a"}])'
    lines = "\n".join(("import datetime, uuid", DIE, table, row, outside(row, "die('1')", run(index()))))
    started.revision("r2", "r1", lines)
    assert started.lockgate("upgrade", "dev", DIE="1").returncode == -signal.SIGKILL
    assert up(started).to_heads == ("r2",)
    assert Database(postgres_url).query("select name from events") == [("a",), ("a",)]


def test_a_half_applied_revision_that_was_changed_is_refused_until_it_is_as_it_was(started: Tiny, postgres_url: DatabaseUrl) -> None:
    """What was done cannot be taken back, and what is there now may not follow from it."""
    lines = f"{create_table('second')}\n{outside(run('select 1/0'))}"
    started.revision("r2", "r1", lines)
    assert up_fails(started).code == "revision-failed"
    started.revision("r2", "r1", lines.replace("second", "other"))
    error = up_fails(started)
    assert (error.code, error.exit_code) == ("statement-changed", 1) and "`r2`" in error.what
    assert "other" not in Database(postgres_url).user_tables()
    started.revision("r2", "r1", lines.replace("1/0", "1"))
    assert up(started).to_heads == ("r2",)
    assert Database(postgres_url).user_tables() == ["first", "second"]


FILL = "create function fill() returns integer language sql as 'insert into copies (id, name) values (7, ''by a function'') returning id'"


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_a_broken_off_revision_goes_on_with_every_driver(driver: str, project: Tiny, postgres_url: DatabaseUrl) -> None:
    """Also behind a SELECT that writes: what it answered is written down with it, and answered again."""
    project.settings(SETTINGS.replace('protection = "open"\n', f'protection = "open"\ndriver = "{driver}"\n', 1)).point("dev", postgres_url)
    if driver == "asyncpg":
        project.env_py((TEMPLATES / "async" / "env.py").read_text())
    inside = ("number = op.get_bind().execute(sa.text('select fill()')).scalar()", "assert number == 7", "{failing}", run(index("by_name").replace("first", "copies")))
    lines = "\n".join((create_table("copies"), run(FILL), outside(*inside), run("insert into copies (id, name) values (8, 'after')")))
    project.revision("r1", None, lines.format(failing="op.execute('select 1/0')"))
    error = up_fails(project)
    assert error.code == "revision-failed" and "select fill()" in error.changed
    project.revision("r1", None, lines.format(failing=""))
    assert up(project).to_heads == ("r1",)
    database = Database(postgres_url)
    assert database.query("select id, name from copies order by id") == [(7, "by a function"), (8, "after")]
    assert database.query("select indisvalid from pg_index where indexrelid = 'by_name'::regclass") == [(True,)]


# Indexes


@contextmanager
def writing(url: DatabaseUrl) -> Iterator[None]:
    """Keep a transaction open that wrote to `first`: a CONCURRENTLY build waits for it."""
    with psycopg.connect(url.render().reveal()) as writer:
        writer.execute("insert into first (name) values ('x')")
        yield
        writer.rollback()


def killed_while_building(project: Tiny, url: DatabaseUrl) -> subprocess.Popen[bytes]:
    """Start an upgrade and kill it while its index is being built."""
    process = project.start("upgrade", "dev", log="killed")
    until(lambda: Database(url).query(BUILDING), "an index being built", process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return process


@pytest.mark.parametrize(("name", "cautious"), [("first_name", False), ("first_name", True), ("", False)], ids=["named", "if not exists", "unnamed"])
def test_an_index_that_the_orphaned_server_process_finished_is_taken_as_it_is(
    name: str, cautious: bool, started: Tiny, postgres_url: DatabaseUrl
) -> None:
    """Its run is dead, the server builds on; the next run waits for the lock that the orphan holds, and must not fail on what it finds."""
    deaf = run("set client_connection_check_interval = 0")  # as on a server before version 14, or behind a cut wire
    started.revision("r2", "r1", f"{create_table('second')}\n{outside(deaf, run(index(name, cautious)))}")
    with writing(postgres_url):
        killed_while_building(started, postgres_url)
        process = started.start("upgrade", "dev", log="second")
        until(lambda: "waiting for the lock" in started.said("second"), "a run that waits for the orphan", process)
    assert process.wait(120) == 0, started.said("second")
    assert "finished by the server" in started.said("second")
    database = Database(postgres_url)
    assert database.query(INVALID) == []
    assert database.query("select count(*) from pg_index where indrelid = 'first'::regclass") == [(2,)]
    assert database.heads() == ["r2"] and database.user_tables() == ["first", "second"]


@pytest.mark.parametrize("how", ["terminated process", "terminated backend"])
@pytest.mark.parametrize("cautious", [False, True], ids=["create", "create if not exists"])
def test_a_build_that_is_ended_is_built_anew_by_the_next_run_and_nothing_else_is_done_twice(
    cautious: bool, how: str, started: Tiny, postgres_url: DatabaseUrl
) -> None:
    """The server leaves an INVALID index; the table before the block and the row in it are there already."""
    row = run("insert into second (id, name) values (1, 'once')")
    started.revision("r2", "r1", f"{create_table('second')}\n{outside(row, run(index(cautious=cautious)))}")
    database = Database(postgres_url)
    with writing(postgres_url):
        process = started.start("upgrade", "dev", log="ended")
        until(lambda: database.query(BUILDING), "an index being built", process)
        if how == "terminated process":
            process.send_signal(signal.SIGTERM)
        else:
            database.query(f"select pg_terminate_backend(pid) from ({BUILDING}) as building")
        assert process.wait(120) == (143 if how == "terminated process" else 1), started.said("ended")
    assert database.query(INVALID) == [("first_name",)] and database.heads() == ["r1"]
    assert ("code: terminated" if how == "terminated process" else "terminating connection") in started.said("ended")
    assert "r2" in started.said("ended").split("changed:")[1].split("hint:")[0]
    assert up(started).to_heads == ("r2",)
    assert database.query(INVALID) == [] and database.query("select * from second") == [(1, "once")]
    assert database.query("select count(*) from pg_index where indrelid = 'first'::regclass") == [(2,)]


@pytest.mark.parametrize("cautious", [False, True], ids=["create", "create if not exists"])
def test_an_invalid_index_of_any_origin_is_built_anew_where_a_revision_makes_it(
    cautious: bool, started: Tiny, postgres_url: DatabaseUrl
) -> None:
    """Plain Alembic left it, or a person: `IF NOT EXISTS` would be content with it, and without that the revision could never run."""
    database = Database(postgres_url)
    database.query("insert into first (id, name) values (1, 'same'), (2, 'same')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.query("create unique index concurrently first_name on first (name)")
    statement = f"create unique index concurrently {'if not exists ' if cautious else ''}first_name on first (name)"
    quietly = "try:\n    with op.get_context().autocommit_block():\n" + f"        op.execute({statement!r})\nexcept Exception: pass"
    started.revision("r2", "r1", quietly)
    error = up_fails(started)
    assert error.code in ("invalid-index", "revision-failed") and database.heads() == ["r1"]
    database.query("update first set name = 'other' where id = 2")
    heard: list[Event] = []
    assert up(started, notify=heard.append).to_heads == ("r2",)
    assert "INVALID" in noticed(heard)
    assert database.query("select indisvalid from pg_index where indexrelid = 'first_name'::regclass") == [(True,)]


def test_a_run_waits_for_a_build_of_its_index_that_is_under_way(started: Tiny, postgres_url: DatabaseUrl) -> None:
    """Dropping what somebody is building, or being content with it while it is INVALID, would both be wrong."""
    started.revision("r2", "r1", outside(run(index(cautious=True))))
    with psycopg.connect(postgres_url.render().reveal(), autocommit=True, application_name="a person") as other, writing(postgres_url):
        theirs = threading.Thread(target=lambda: other.execute(index()))
        theirs.start()
        until(lambda: Database(postgres_url).query(INVALID), "an index being built")
        process = started.start("upgrade", "dev", log="run")
        until(lambda: "under way" in started.said("run"), "a run that waits", process)
    assert process.wait(120) == 0, started.said("run")
    theirs.join(30)
    assert "a person" in started.said("run") and "first_name" in started.said("run")
    assert Database(postgres_url).query("select indisvalid from pg_index where indexrelid = 'first_name'::regclass") == [(True,)]


def test_a_valid_index_of_the_same_name_that_is_another_one_is_not_taken_for_the_revisions_own(
    started: Tiny, postgres_url: DatabaseUrl
) -> None:
    """The name proves nothing: somebody may have made it while the revision was broken off."""
    database = Database(postgres_url)
    started.revision("r2", "r1", outside(run(index())))
    with writing(postgres_url):
        killed_while_building(started, postgres_url)
        until(lambda: lock_is_free(postgres_url), "the end of the killed run's backend")
    database.query("drop index first_name")
    database.query("create index first_name on first (id)")
    error = up_fails(started)
    assert error.code == "revision-failed" and "already exists" in error.what
    database.query("drop index first_name")
    assert up(started).to_heads == ("r2",)
