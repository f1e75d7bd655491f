"""The local stand-in for AWS: it starts, survives, ends and meets nobody else, whatever happened to it before."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from stack_fixture import temporary_stack

from ops.local import Stack, StackError

EXAMPLE = Path(__file__).resolve().parents[1]


@pytest.fixture
def fresh() -> Iterator[Stack]:
    """A stack of the test's own, not started."""
    with temporary_stack() as stack:
        yield stack


def call(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as `make` does."""
    command = [sys.executable, "-m", "ops.local", "--folder", str(stack.folder), *arguments]
    return subprocess.run(command, cwd=EXAMPLE, capture_output=True, text=True, timeout=60, check=False)


def pids(stack: Stack) -> list[int]:
    """The two servers' processes: PostgreSQL's first process, and moto's."""
    return [server._processes()[0].pid for server in (stack.postgres, stack.secrets)]


def master(stack: Stack, **other: str | int | None) -> psycopg.Connection[Any]:
    """Connect as the master role, or with something else in its stead."""
    return psycopg.connect(make_conninfo(stack.environ()["PROVISION_DATABASE_URL"], **other), autocommit=True)


def start(stack: Stack) -> None:
    """Start both servers and make nothing on them."""
    stack.start_secrets()
    stack.start_postgres()


def secret_names(stack: Stack) -> str:
    """What a shell that evaluates `env` sees at its Secrets Manager, with a profile of its own that must not count."""
    ask = "import boto3; print(sorted(s['Name'] for s in boto3.client('secretsmanager').list_secrets()['SecretList']))"
    script = f'eval "$("$PY" -m ops.local --folder "$FOLDER" env)" && "$PY" -c "{ask}"'
    environ = os.environ | {"PY": sys.executable, "FOLDER": str(stack.folder), "AWS_PROFILE": "my-company"}
    done = subprocess.run(["bash", "-c", script], cwd=EXAMPLE, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_up_and_down_can_be_said_twice_and_down_leaves_nothing_running(fresh: Stack) -> None:
    """`make up` is typed by people who do not know whether it is up, and in two shells at once; `make down` ends all of it."""
    with ThreadPoolExecutor(2) as shells:
        assert [done.returncode for done in shells.map(lambda _: call(fresh, "up"), range(2))] == [0, 0]
    assert len(fresh.secrets._processes()) == 1
    before = pids(fresh), fresh.environ(), (fresh.folder / "stack.env").read_text()
    again = call(fresh, "up")
    assert again.returncode == 0 and "dev: nothing to do" in again.stderr and "test: nothing to do" in again.stderr
    assert (pids(fresh), fresh.environ(), (fresh.folder / "stack.env").read_text()) == before
    assert secret_names(fresh) == "['the-combine/db-dev', 'the-combine/db-test']"
    assert call(fresh, "env").stdout == (fresh.folder / "stack.env").read_text()
    assert call(fresh, "status").stdout.count("running on 127.0.0.1:") == 2

    for _ in range(2):
        assert call(fresh, "down").returncode == 0
        assert not fresh.postgres._processes() and not fresh.secrets._processes()
        assert not (fresh.folder / "stack.env").exists() and not (fresh.folder / "postgres" / "postmaster.pid").exists()
    status, env = call(fresh, "status"), call(fresh, "env")
    assert status.returncode == 1 and status.stdout.count("stopped") == 2
    assert env.returncode == 1 and env.stdout == "" and "python -m ops.local up" in env.stderr


def test_data_outlive_killed_servers_and_a_stop(fresh: Stack) -> None:
    """A laptop's battery ends the session; the next one goes on with the same databases on the same ports."""
    start(fresh)
    with master(fresh) as session:
        session.execute("create database kept")
    ports = fresh.postgres.port(), fresh.secrets.port()
    for pid in pids(fresh):
        os.kill(pid, signal.SIGKILL)
        while alive(pid):
            time.sleep(0.01)
    start(fresh)
    assert (fresh.postgres.port(), fresh.secrets.port()) == ports, "the ports that others have read stay valid"
    fresh.down()
    fresh.start_postgres()
    master(fresh, dbname="kept").close()


def test_a_stale_pid_file_is_not_believed(fresh: Stack) -> None:
    """After a crash the number in PostgreSQL's pid file may be another program's, which must be left alone."""
    fresh.start_postgres()
    pid_file = fresh.folder / "postgres" / "postmaster.pid"
    text = pid_file.read_text()
    with subprocess.Popen(["sleep", "60"]) as other:
        fresh.stop_postgres()
        pid_file.write_text("\n".join([str(other.pid), *text.splitlines()[1:]]) + "\n")
        assert fresh.postgres.port() is None
        fresh.stop_postgres()
        fresh.start_postgres()
        assert fresh.postgres.port()
        assert other.poll() is None
        other.kill()


def test_lost_files_do_not_lose_servers(fresh: Stack) -> None:
    """Somebody deletes the state file, then the whole folder, of running servers: both are found all the same."""
    start(fresh)
    (fresh.folder / "state.json").unlink()
    with pytest.raises(StackError, match="has not been started"):
        fresh.environ()
    start(fresh)
    master(fresh).close()
    running = pids(fresh)
    shutil.rmtree(fresh.folder)
    fresh.down()
    assert not [pid for pid in running if alive(pid)]


def alive(pid: int) -> bool:
    """Whether a process with this number runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text() if Path("/proc/self/status").exists() else True


def test_two_stacks_side_by_side_also_in_a_folder_with_a_long_name(fresh: Stack) -> None:
    """Two checkouts, or two test workers, on one machine; a path too long for a Unix socket is no obstacle, nor is a space."""
    other = Stack(fresh.folder / ("deep in a folder " + "x" * 120))
    start(fresh)
    try:
        start(other)
        assert len({fresh.postgres.port(), fresh.secrets.port(), other.postgres.port(), other.secrets.port()}) == 4
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            master(other, port=fresh.postgres.port())
    finally:
        other.down()
    assert fresh.running() and not other.running()


def test_it_is_like_rds_and_closed_to_others(stack: Stack) -> None:
    """What works here works on RDS: passwords, no superuser to log in as; and files with passwords are the owner's alone."""
    stack.up()
    with master(stack) as session:
        mine = session.execute("select rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname = current_user").fetchone()
        assert mine == (False, True, True)
        shown = "select current_setting('listen_addresses'), split_part(version(), '.', 1)"
        assert session.execute(shown).fetchone() == ("127.0.0.1", "PostgreSQL 18")
    wrong_logins: list[dict[str, str | int | None]] = [{"password": "guess"}, {"user": "rdsadmin"}, {"user": "postgres"}]
    for wrong in wrong_logins:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            master(stack, **wrong)
    modes = {name: stat.S_IMODE((stack.folder / name).stat().st_mode) for name in (".", "postgres", "stack.env", "state.json")}
    assert modes == {".": 0o700, "postgres": 0o700, "stack.env": 0o600, "state.json": 0o600}


def test_each_server_can_be_stopped_alone(stack: Stack) -> None:
    """So that tests can ask what the scripts say when one of the two is down."""
    stack.up()
    environ = stack.environ()
    stack.stop_postgres()
    stack.stop_secrets()
    assert not stack.running() and stack.environ() == environ
    with pytest.raises(psycopg.OperationalError, match="refused"):
        master(stack)
    stack.start_postgres()
    stack.start_secrets()
    assert stack.running() and stack.environ() == environ
    stack.provision()
    assert secret_names(stack) == "['the-combine/db-dev', 'the-combine/db-test']"
