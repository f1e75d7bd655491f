"""What a revision waits for is said, by whom it is held up too; and its session is set up so that nobody waits for it needlessly."""

from __future__ import annotations

import socket
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg
import pytest
from building import SETTINGS, Database, Tiny, create_table
from running import up, up_fails

from lockgate.events import Blocked, Event, Notice, Retrying
from lockgate.secret import DatabaseUrl

ADD = 'op.add_column("first", sa.Column("price", sa.Integer))'
BUILD = 'with op.get_context().autocommit_block():\n    op.execute("create index concurrently i on first (name)")'


def limited(project: Tiny, **seconds: float) -> Tiny:
    """Write limits into `[environments.dev]`."""
    lines = "".join(f"{name} = {value}\n" for name, value in seconds.items())
    return project.settings(SETTINGS.replace('protection = "open"\n', f'protection = "open"\n{lines}', 1))


@pytest.fixture
def started(project: Tiny, postgres_url: DatabaseUrl) -> Tiny:
    """A project whose first revision, table `first`, is applied."""
    project.tables("first").point("dev", postgres_url)
    up(project)
    return project


@pytest.mark.parametrize("lines", [ADD, BUILD], ids=["alter table in short tries", "concurrently in one long wait"])
def test_a_revision_that_waits_says_for_whom(lines: str, started: Tiny, postgres_url: DatabaseUrl) -> None:
    """Somebody has to be asked to end a transaction: the pid, the user, the application and the query say who."""
    limited(started, lock_timeout=0.5, lock_wait=120)
    started.revision("r2", "r1", lines)
    heard: list[Event] = []
    blocked = threading.Event()

    def notify(event: Event) -> None:
        heard.append(event)
        if isinstance(event, Blocked):
            blocked.set()

    with psycopg.connect(postgres_url.render().reveal(), application_name="a report") as other:
        other.execute("insert into first (name) values ('in the way')")
        pid = other.info.backend_pid
        free = threading.Thread(target=lambda: (blocked.wait(60), other.rollback()))
        free.start()
        assert up(started, notify=notify).to_heads == ("r2",)
        free.join()
    said = next(event for event in heard if isinstance(event, Blocked))
    assert said.step.revision == "r2" and said.waited_s >= 2.0
    assert len(said.by) == 1
    for word in (f"pid {pid}", "user postgres", "a report", "idle in transaction", "since 20", "insert into first (name)"):
        assert word in said.by[0]


def test_a_run_that_gives_up_names_who_was_in_the_way(started: Tiny, postgres_url: DatabaseUrl) -> None:
    """The error is what is left in a log; a hint how to find out would come too late."""
    limited(started, lock_timeout=0.5, lock_wait=2.5)
    started.revision("r2", "r1", ADD)
    with psycopg.connect(postgres_url.render().reveal(), application_name="a report") as other:
        other.execute("select * from first")
        error = up_fails(started)
    assert (error.code, error.exit_code) == ("lock-timeout", 4)
    assert "in the way: pid" in error.where and "a report" in error.where and "select * from first" in error.where


def test_nobody_waits_longer_for_a_table_than_one_short_try_takes(started: Tiny, postgres_url: DatabaseUrl) -> None:
    """An ALTER that waits for one long reader holds up all others behind it: measured here by the server, which ends a reader's wait after 5 s."""
    limited(started, lock_timeout=0.5, lock_wait=300).revision("r2", "r1", ADD)
    tries: list[bool] = []  # whether the long reader was gone
    enough, gone, done = threading.Event(), threading.Event(), threading.Event()
    read: list[int] = []

    def notify(event: Event) -> None:
        if isinstance(event, Retrying):
            tries.append(gone.is_set())
            if len(tries) == 3:
                enough.set()

    def read_on() -> None:
        with psycopg.connect(postgres_url.render().reveal(), autocommit=True, options="-c lock_timeout=5s") as one:
            while not done.wait(0.01):
                read.append(one.execute("select count(*) from first").rowcount)

    def end(long_reader: psycopg.Connection[Any]) -> None:
        enough.wait(120)
        long_reader.rollback()
        gone.set()

    with psycopg.connect(postgres_url.render().reveal()) as other, ThreadPoolExecutor(2) as threads:
        other.execute("select * from first")
        reader, ending = threads.submit(read_on), threads.submit(end, other)
        try:
            assert up(started, notify=notify).to_heads == ("r2",)
        finally:
            done.set()
            enough.set()
        ending.result()
        reader.result()  # raises LockNotAvailable where it waited too long
    assert len(tries) >= 3 and sum(tries) <= 3, "the upgrade went on trying when nobody was in the way"
    assert len(read) > 10


UNLOCKED = {"postgresql": "select pg_advisory_unlock_all()", "mariadb": "select release_all_locks()"}


def unlocking(project: Tiny, sql: str, behind_its_back: bool) -> Tiny:
    """Three revisions, the second of which lets go of the lock: in the open, or at the last moment before its commit."""
    late = "from sqlalchemy import event\nevent.listen(op.get_bind(), 'commit', lambda c: c.connection.cursor().execute(SQL), once=True)"
    project.tables("first", "second", "third")
    lines = f"{create_table('second')}\nSQL = {sql!r}\n{late if behind_its_back else 'op.execute(SQL)'}"
    project.revision("r2", "r1", lines, 'op.drop_table("second")')
    return project


@pytest.mark.parametrize("behind_its_back", [False, True], ids=["this one", "the next one"])
def test_a_revision_does_not_run_without_the_lock(project: Tiny, postgres_url: DatabaseUrl, behind_its_back: bool) -> None:
    """Another run may be at work by then; asked of the server before each revision and in the statement that ends one."""
    unlocking(project, UNLOCKED["postgresql"], behind_its_back).point("dev", postgres_url)
    error = up_fails(project)
    assert (error.code, error.exit_code) == ("lock-lost", 1)
    database, applied = Database(postgres_url), ["r1", "r2"] if behind_its_back else ["r1"]
    assert database.applied() == applied and database.heads() == applied[-1:]
    assert database.user_tables() == ["first", "second"][: len(applied)]
    assert all(f"`{name}`" in error.changed for name in applied)


def test_a_revision_does_not_run_without_the_lock_of_mariadb(project: Tiny, mariadb_url: DatabaseUrl) -> None:
    """The lock is another one there, and the question too."""
    unlocking(project, UNLOCKED["mariadb"], True).point("dev", mariadb_url)
    error = up_fails(project)
    assert (error.code, error.exit_code) == ("lock-lost", 1)
    assert Database(mariadb_url).applied() == ["r1", "r2"] and Database(mariadb_url).user_tables() == ["first", "second"]


def test_every_revision_begins_with_the_limits_of_the_settings(started: Tiny, postgres_url: DatabaseUrl) -> None:
    """One that raises them for itself must not raise them for those behind it: the next would block every reader for minutes."""
    limited(started, lock_timeout=0.7, statement_timeout=60)
    names = ("lock_timeout", "statement_timeout", "client_connection_check_interval", "tcp_keepalives_idle", "application_name")
    raised = 'op.execute("set lock_timeout = \'10min\'")\nop.execute("set statement_timeout = 0")'
    started.revision("r2", "r1", f"{create_table('seen')}\n{raised}")
    rows = "\n".join(f"op.execute(\"insert into seen (name) values ('{name} ' || current_setting('{name}'))\")" for name in names)
    started.revision("r3", "r2", rows)
    up(started)
    seen = dict(row[0].split(" ", 1) for row in Database(postgres_url).query("select name from seen"))
    assert (seen["lock_timeout"], seen["statement_timeout"]) == ("700ms", "1min")
    assert seen["client_connection_check_interval"] == "500ms"
    assert seen["application_name"].startswith("lockgate upgrade dev")


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_connection_by_tcp_is_kept_alive_and_given_up_when_the_server_is_gone(driver: str, project: Tiny, guarded: Any) -> None:
    """A firewall that forgets a silent connection would leave the run waiting for an answer for hours."""
    url = guarded.database("a password")
    options = "SOL_SOCKET, socket.SO_KEEPALIVE", "IPPROTO_TCP, socket.TCP_KEEPIDLE", "IPPROTO_TCP, socket.TCP_USER_TIMEOUT"
    questions = ", ".join(f"wire.getsockopt(socket.{option})" for option in options)
    lines = f"import os, socket\nwire = socket.socket(fileno=os.dup(op.get_bind().connection.driver_connection.fileno()))\nassert wire.family == socket.AF_INET\nop.execute(f'insert into t values {{({questions})}}')\nwire.close()"
    project.settings(SETTINGS.replace('protection = "open"\n', f'protection = "open"\ndriver = "{driver}"\n', 1)).point("dev", url)
    project.revision("r1", None, f'op.execute("create table t (kept integer, idle integer, unanswered integer)")\n{lines}')
    assert hasattr(socket, "TCP_USER_TIMEOUT")
    up(project)
    found = psycopg.connect(guarded.admin(url.database).render().reveal()).execute("select * from t").fetchall()
    assert found == [(1, 30, 60_000)]


def test_another_writer_of_a_sqlite_file_is_waited_for_in_short_tries(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """The application writes as well; its transaction is no reason to fail, and the wait can be ended by a signal."""
    project.tables("first").point("dev", sqlite_url)
    up(project)
    limited(project, lock_timeout=0.2, lock_wait=60).revision("r2", "r1", create_table("second"))
    with closing(sqlite3.connect(sqlite_url.database, isolation_level=None, check_same_thread=False)) as other:
        other.execute("begin immediate")

        def notify(event: Event) -> None:
            if isinstance(event, Notice) and "another writer" in event.text and other.in_transaction:
                other.execute("rollback")

        assert up(project, notify=notify).to_heads == ("r2",)
        limited(project, lock_timeout=0.2, lock_wait=0.5).revision("r3", "r2", create_table("third"))
        other.execute("begin immediate")
        error = up_fails(project)
    assert (error.code, error.exit_code, error.changed) == ("lock-timeout", 4, "nothing")
    assert Database(sqlite_url).heads() == ["r2"]


@pytest.mark.parametrize("table", ["lockgate.marker", "alembic_version"])
def test_no_look_waits_for_ever_and_it_says_for_whom(started: Tiny, postgres_url: DatabaseUrl, table: str) -> None:
    """Who asks how a database is while somebody holds a table wants to hear of that, not to hang behind it without a word."""
    with psycopg.connect(postgres_url.render().reveal(), application_name="a repack") as other:
        other.execute(f"lock table {table} in access exclusive mode".encode())
        said = started.here("plan", "dev", check=4).stderr
        row = started.here("status", "dev").stdout
        pid = other.info.backend_pid
    assert "code: lock-timeout" in said and "end that session, or wait for it" in said
    for word in (f"{table}: pid {pid}", "a repack"):
        assert word in said
    assert "not free in time" in row
