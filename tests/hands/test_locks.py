"""lockgate's lock, one battery for both databases: taken once, seen by others, let go, gone with its holder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
from building import MYSQL, Database, until

from lockgate.dialects.base import BareSession
from lockgate.dialects.connect import dialect_named
from lockgate.dialects.parts import Lock
from lockgate.dialects.postgres.locks import HELD_BY_ME
from lockgate.secret import DatabaseUrl

TAKE = """
import sys
from lockgate.dialects.connect import dialect_named
from lockgate.secret import parse_url
url = parse_url(sys.argv[1], "a test")
dialect = dialect_named(url.backend)
with dialect.open(url, 5, write=True) as session:
    lock = dialect.lock(session, "the other process")
    assert lock.take()
    print("held", flush=True)
    sys.stdin.read()
"""
Open = Callable[[], BareSession]


@pytest.fixture
def opened(database_url: DatabaseUrl) -> Iterator[Open]:
    """Opens sessions on the test's database; all are closed after the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(dialect_named(database_url.backend).open(database_url, 5, write=True))


def lock_of(url: DatabaseUrl, session: BareSession, label: str = "somebody") -> Lock:
    """The lock as a run makes it."""
    return dialect_named(url.backend).lock(session, label)


def tells(label: str, holder: str, url: DatabaseUrl) -> bool:
    """Whether the holder is told by its label; a session of MariaDB has no name that others could read."""
    return label in holder or (url.backend in MYSQL and "connection " in holder)


def test_only_one_of_two_takes_the_lock_and_the_other_does_not_wait(database_url: DatabaseUrl, opened: Open) -> None:
    """`take` tries and returns; waiting is the gate's affair, which can say for whom."""
    first, second = lock_of(database_url, opened()), lock_of(database_url, opened())
    assert first.take()
    assert not second.take()
    first.release()
    assert second.take()
    second.release()


def test_the_holder_is_told_by_name_process_and_since_when(database_url: DatabaseUrl, opened: Open) -> None:
    """Whoever waits wants to know whom to ask."""
    first, second = lock_of(database_url, opened(), "lockgate upgrade dev by anna@build7"), lock_of(database_url, opened())
    assert first.take() and not second.take()
    holder = second.holder()
    assert re.search(r"(pid|connection) \d+", holder) and re.search(r"(since|began) 20\d\d-\d\d-\d\d", holder)
    assert tells("lockgate upgrade dev by anna@build7", holder, database_url)
    if database_url.backend in MYSQL:
        assert "user root, from localhost" in holder
    if database_url.backend == "postgresql":
        assert "user postgres" in holder and "local socket" in holder
    first.release()


def test_nobody_holds_a_lock_that_was_released(database_url: DatabaseUrl, opened: Open) -> None:
    """A name of yesterday would send people after the wrong run."""
    first, second = lock_of(database_url, opened(), "gone"), lock_of(database_url, opened())
    assert first.take()
    first.release()
    assert second.holder() == ""


def test_releasing_twice_or_without_having_it_is_quiet(database_url: DatabaseUrl, opened: Open) -> None:
    """It is called on every way out, also where the lock never was ours; somebody else's stays."""
    first, second = lock_of(database_url, opened()), lock_of(database_url, opened())
    assert first.take() and not second.take()
    second.release()
    assert not lock_of(database_url, opened()).take()
    first.release()
    first.release()


@pytest.mark.parametrize("label", ["o'hara@host", "anna ünïcödé " * 12, "x" * 200, '"; drop table users; --'])
def test_any_label_is_held_under(database_url: DatabaseUrl, opened: Open, label: str) -> None:
    """User and host names are not ours to choose; the server cuts what is too long, in the middle of a letter if need be."""
    lock = lock_of(database_url, opened(), label)
    assert lock.take()
    assert tells(label[:5], lock_of(database_url, opened()).holder(), database_url)
    lock.release()


def test_the_lock_of_a_killed_process_is_free(database_url: DatabaseUrl, opened: Open) -> None:
    """Nothing that lasts is written down, so there is nothing to clean up."""
    command = [sys.executable, "-c", TAKE, database_url.render().reveal()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        lock = lock_of(database_url, opened())
        assert not lock.take()
        assert tells("the other process", lock.holder(), database_url)
        process.send_signal(signal.SIGKILL)
        process.wait()
    until(lock.take, "the lock of a dead process")
    lock.release()


def test_taking_the_lock_leaves_no_transaction_open(postgres_url: DatabaseUrl) -> None:
    """Neither with the holder nor with those who try: CREATE INDEX CONCURRENTLY waits for every snapshot."""
    dialect = dialect_named("postgresql")
    with dialect.open(postgres_url, 5, write=True) as holder, dialect.open(postgres_url, 5, write=True) as waiter:
        lock, other = dialect.lock(holder, "holder"), dialect.lock(waiter, "waiter")
        assert lock.take() and not other.take() and other.holder()
        states = "select distinct state from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        assert Database(postgres_url).query(states) == [("idle",)]
        lock.release()


def test_a_session_knows_whether_it_still_holds_the_lock(postgres_url: DatabaseUrl) -> None:
    """Every ledger row is written under this condition: a lock that was lost must not go unnoticed."""
    dialect = dialect_named("postgresql")
    with dialect.open(postgres_url, 5, write=True) as session, psycopg.connect(postgres_url.render().reveal()) as other:
        lock = dialect.lock(session, "holder")
        held = f"select {HELD_BY_ME}"
        assert session.execute(held) == [(False,)]
        assert lock.take()
        assert session.execute(held) == [(True,)] and other.execute(held).fetchall() == [(False,)]
        lock.release()
        assert session.execute(held) == [(False,)]


def test_locks_of_two_databases_are_two(postgres_url: DatabaseUrl, make_postgres_database: Callable[[], DatabaseUrl]) -> None:
    """Advisory locks are per database: one number serves all."""
    dialect, other = dialect_named("postgresql"), make_postgres_database()
    with dialect.open(postgres_url, 5, write=True) as here, dialect.open(other, 5, write=True) as there:
        one, two = dialect.lock(here, "here"), dialect.lock(there, "there")
        assert one.take() and two.take()
        assert "here" in one.holder() and "there" not in one.holder()
        one.release()
        two.release()
