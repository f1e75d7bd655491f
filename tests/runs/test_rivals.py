"""Several runs at once: one works, the others wait, and whatever kills the one that works, nothing is left in the way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from building import MYSQL, SETTINGS, Database, Tiny, create_table, until

import lockgate
from lockgate.dialects.connect import dialect_named
from lockgate.errors import Busy
from lockgate.events import Started
from lockgate.secret import DatabaseUrl

# The revision says that it runs, and goes on when somebody opens the other end of the pipe; only where HELD is set.
HOLD = """import os
if os.environ.get("HELD"):
    open(os.environ["HELD"] + ".inside", "w").close()
    open(os.environ["HELD"] + ".go").close()"""
IMPATIENT = SETTINGS.replace('protection = "open"', 'protection = "open"\nlock_wait = 0.3')
INDEX = 'with op.get_context().autocommit_block():\n    op.execute("create index concurrently ix_users_name on users (name)")'


class Hold:
    """A place in a revision at which a process of the command line stands still."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        os.mkfifo(f"{path}.go")

    @property
    def variables(self) -> dict[str, str]:
        """For the process that is to stand still."""
        return {"HELD": self.path}

    def reached(self, *processes: subprocess.Popen[bytes]) -> None:
        """Wait until one of the processes stands there."""
        until(lambda: Path(f"{self.path}.inside").exists(), "a revision that runs", *processes)

    def let_go(self) -> None:
        """Let it go on."""
        with suppress(OSError):
            os.close(os.open(f"{self.path}.go", os.O_WRONLY | os.O_NONBLOCK))


@pytest.fixture
def hold(tmp_path: Path) -> Hold:
    """A place to stand still."""
    return Hold(tmp_path / "hold")


def held_project(project: Tiny, url: DatabaseUrl) -> Tiny:
    """One revision that makes a table and may stand still after that."""
    project.revision("r1", None, f"{create_table('users')}\n{HOLD}", message="create users")
    return project.point("dev", url)


@contextmanager
def locked(url: DatabaseUrl, label: str) -> Iterator[None]:
    """Hold lockgate's lock as another run would."""
    dialect = dialect_named(url.backend)
    with dialect.open(url, 5, write=True) as session:
        lock = dialect.lock(session, label)
        assert lock.take()
        yield
        lock.release()


def advisory_locks(url: DatabaseUrl) -> int:
    """How many advisory locks the whole server knows of."""
    return int(Database(url).query("select count(*) from pg_locks where locktype = 'advisory'")[0][0])


@pytest.fixture
def no_lock_left(postgres_url: DatabaseUrl) -> Iterator[None]:
    """After the test the server holds no advisory lock at all."""
    yield
    assert advisory_locks(postgres_url) == 0


def test_of_eight_at_once_one_applies_and_seven_wait_and_have_nothing_to_do(project: Tiny, database_url: DatabaseUrl, hold: Hold) -> None:
    """Eight pods of one deployment start together; every one of them must come up."""
    held_project(project, database_url)
    runs = {f"run{number}": project.start("upgrade", "dev", log=f"run{number}", **hold.variables) for number in range(8)}
    hold.reached(*runs.values())
    until(lambda: sum("waiting for the lock" in project.said(log) for log in runs) == 7, "seven runs that wait", *runs.values())
    hold.let_go()
    assert [process.wait(120) for process in runs.values()] == [0] * 8, [project.said(log) for log in runs]
    ended = [(project.folder / f"{log}.out").read_text() for log in runs]
    assert sum("applied: r1" in text for text in ended) == 1
    assert sum("nothing to do" in text for text in ended) == 7
    assert Database(database_url).applied() == ["r1"]
    waiting = next(project.said(log) for log in runs if "waiting for the lock" in project.said(log))
    holder = "held by user root, from localhost, connection " if database_url.backend in MYSQL else "held by lockgate upgrade dev by "
    assert holder in waiting and re.search(r"(since|began) 20", waiting)


def test_a_lock_that_is_not_free_in_time_is_busy_names_its_holder_and_changes_nothing(project: Tiny, database_url: DatabaseUrl) -> None:
    """Whom to ask is what the operator wants to know; exit 4 means that trying again is right."""
    held_project(project, database_url).settings(IMPATIENT)
    before = Database(database_url).picture()
    with locked(database_url, "lockgate upgrade dev by anna@build7"):
        done = project.here("upgrade", "dev", check=4)
    assert "code: busy" in done.stderr and "changed: nothing" in done.stderr
    if database_url.backend in MYSQL:  # where a session has no name that others could read
        assert "user root, from localhost, connection " in done.stderr
    else:
        assert "lockgate upgrade dev by anna@build7" in done.stderr
        assert "pid " in done.stderr and "since 20" in done.stderr
    if database_url.backend == "postgresql":
        assert "user postgres, from local socket" in done.stderr
    assert Database(database_url).picture() == before
    project.here("upgrade", "dev", check=0)


def test_a_killed_run_leaves_the_lock_free_and_the_next_one_completes(project: Tiny, database_url: DatabaseUrl, hold: Hold) -> None:
    """A pod that is evicted must not block every start after it, and its half of a revision must be gone."""
    held_project(project, database_url)
    process = project.start("upgrade", "dev", **hold.variables)
    hold.reached(process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    project.here("upgrade", "dev", check=0)
    database = Database(database_url)
    assert database.heads() == ["r1"] and database.user_tables() == ["users"] and database.applied() == ["r1"]


@pytest.mark.not_on_mariadb("DDL commits by itself; test_mariadb.py has what holds there")
def test_a_terminated_run_says_so_and_leaves_nothing_behind(project: Tiny, database_url: DatabaseUrl, hold: Hold) -> None:
    """Liveness probes and deployments end runs with SIGTERM; exit 143 tells that from a failure."""
    held_project(project, database_url)
    process = project.start("upgrade", "dev", log="ended", **hold.variables)
    hold.reached(process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 143
    assert "code: terminated" in project.said("ended")
    database = Database(database_url)
    assert database.user_tables() == [] and database.heads() == []
    project.here("upgrade", "dev", check=0)


def building_index(project: Tiny, url: DatabaseUrl) -> int:
    """Start an upgrade whose CONCURRENTLY waits for the caller's open transaction; kill it there; return its backend."""
    backend = "select pid from pg_stat_activity where query like 'create index concurrently%' and wait_event_type = 'Lock'"
    process = project.start("upgrade", "dev")
    until(lambda: Database(url).query(backend), "CREATE INDEX CONCURRENTLY that waits", process)
    # Asked before the kill: the server notices soon that its client is gone, and ends the backend.
    number = int(Database(url).query(backend)[0][0])
    process.send_signal(signal.SIGKILL)
    process.wait()
    return number


def test_a_run_killed_in_concurrently_is_cleaned_up_and_completed_by_the_next(
    project: Tiny, postgres_url: DatabaseUrl, no_lock_left: None
) -> None:
    """An INVALID index is never used and always maintained; `if not exists` would take it for the real one."""
    project.tables("users").point("dev", postgres_url).here("upgrade", "dev", check=0)
    project.revision("r2", "r1", INDEX)
    database = Database(postgres_url)
    with psycopg.connect(postgres_url.render().reveal()) as writer:
        writer.execute("insert into users (name) values ('x')")
        pid = building_index(project, postgres_url)
        database.query(f"select pg_terminate_backend({pid})")
        until(lambda: not database.query(f"select 1 from pg_stat_activity where pid = {pid}"), "the end of the killed run's backend")
    assert database.query("select indisvalid from pg_index where indexrelid = 'ix_users_name'::regclass") == [(False,)]
    assert ("upgrade", "started", "r2") in [row[:3] for row in database.ledger()]
    said = project.here("upgrade", "dev", check=0).stderr
    assert "ix_users_name" in said and "INVALID" in said and "`r2`" in said
    assert database.query("select indisvalid from pg_index where indexrelid = 'ix_users_name'::regclass") == [(True,)]
    assert database.heads() == ["r2"]


def test_waiting_runs_do_not_deadlock_with_concurrently(project: Tiny, postgres_url: DatabaseUrl, no_lock_left: None) -> None:
    """A waiter that blocked inside the lock would hold a snapshot, and CONCURRENTLY waits for all of those."""
    project.tables("users").point("dev", postgres_url).here("upgrade", "dev", check=0)
    project.revision("r2", "r1", INDEX)
    with psycopg.connect(postgres_url.render().reveal()) as writer:
        writer.execute("insert into users (name) values ('x')")
        runs = {log: project.start("upgrade", "dev", log=log) for log in ("one", "two", "three")}
        until(lambda: sum("waiting for the lock" in project.said(log) for log in runs) == 2, "two runs that wait", *runs.values())
        until(lambda: Database(postgres_url).query("select 1 from pg_index where not indisvalid"), "an index being built", *runs.values())
    assert [process.wait(120) for process in runs.values()] == [0, 0, 0]
    assert Database(postgres_url).query("select indisvalid from pg_index where indexrelid = 'ix_users_name'::regclass") == [(True,)]


def test_no_advisory_lock_is_left_after_a_run_a_refusal_or_a_failure(project: Tiny, postgres_url: DatabaseUrl, no_lock_left: None) -> None:
    """A lock that outlives its run blocks every run after it."""
    project.tables("users").point("dev", postgres_url)
    project.here("upgrade", "dev", check=0)
    assert advisory_locks(postgres_url) == 0
    project.here("reset", "dev", check=3)
    assert advisory_locks(postgres_url) == 0
    project.revision("r2", "r1", "raise RuntimeError")
    project.here("upgrade", "dev", check=1)
    assert advisory_locks(postgres_url) == 0


def test_two_databases_of_one_server_do_not_wait_for_each_other(
    project: Tiny, database_url: DatabaseUrl, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Staging must not stand still because somebody migrates production on the same server."""
    other = DatabaseUrl("sqlite", database=str(tmp_path / "other.db"))
    if database_url.backend == "postgresql":
        other = request.getfixturevalue("make_postgres_database")()
    held_project(project, database_url).settings(IMPATIENT)
    with locked(other, "somebody else"):
        assert "waiting" not in project.here("upgrade", "dev", check=0).stderr


def test_a_second_run_in_the_same_process_is_refused(project: Tiny, database_url: DatabaseUrl, sqlite_file: DatabaseUrl) -> None:
    """Alembic's `op` is process-wide: two runs would put their tables into each other's databases."""
    held_project(project, database_url).point("test", sqlite_file)
    loaded, refused = lockgate.load_project(project.folder), []

    def interfere(event: Any) -> None:
        if isinstance(event, Started):
            with pytest.raises(Busy) as error:
                lockgate.upgrade(loaded, "test", environ=project.environ)
            refused.append(error.value.code)

    lockgate.upgrade(loaded, "dev", environ=project.environ, notify=interfere)
    assert refused == ["busy-in-process"]
    assert Database(database_url).heads() == ["r1"] and not Database(sqlite_file).exists()
    lockgate.upgrade(loaded, "test", environ=project.environ)


@pytest.fixture
def sqlite_file(tmp_path: Path) -> DatabaseUrl:
    """One more SQLite database."""
    return DatabaseUrl("sqlite", database=str(tmp_path / "second.db"))


def test_a_run_that_waited_looks_again_before_it_works(project: Tiny, database_url: DatabaseUrl, hold: Hold) -> None:
    """What it saw before it waited is old: home-made locks run changes twice because they forget this."""
    held_project(project, database_url)
    project.revision("r2", "r1", create_table("orders"), message="create orders")
    first = project.start("upgrade", "dev", "r1", log="first", **hold.variables)
    hold.reached(first)
    second = project.start("upgrade", "dev", log="second")
    until(lambda: "waiting for the lock" in project.said("second"), "a run that waits", first, second)
    hold.let_go()
    assert (first.wait(120), second.wait(120)) == (0, 0), project.said("second")
    assert "applied r1" not in project.said("second") and "applied r2" in project.said("second")
    assert Database(database_url).applied() == ["r1", "r2"]
