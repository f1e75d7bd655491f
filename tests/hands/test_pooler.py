"""A real PgBouncer: in transaction mode it is refused with the reason, in session mode it is as good as the server."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from building import Database, Tiny, until

from lockgate.dialects.connect import dialect_named
from lockgate.errors import Refused
from lockgate.secret import DatabaseUrl

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
SETTINGS = """
[databases]
{database} = host={host} port={port} user=postgres
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
unix_socket_mode = 0777
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
ignore_startup_parameters = extra_float_digits,options
"""
Pooled = Callable[..., DatabaseUrl]


@pytest.fixture
def pooled(postgres_url: DatabaseUrl) -> Iterator[Pooled]:
    """Starts a PgBouncer before the test's database, in a mode; listens on a Unix socket only."""
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed")
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="pooler-", dir="/tmp") as folder:

        def start(mode: str, size: int = 10) -> DatabaseUrl:
            host = postgres_url.query["host"]
            text = SETTINGS.format(
                database=postgres_url.database, host=host, port=postgres_url.query["port"], folder=folder, mode=mode, size=size
            )
            settings = Path(folder) / "pgbouncer.ini"
            settings.write_text(text)
            # It refuses to run as root; who owns the server's socket may use it.
            owner = os.stat(host).st_uid if os.geteuid() == 0 else None
            if owner is not None:
                os.chown(folder, owner, -1)
                settings.chmod(0o644)
            with (Path(folder) / "log").open("wb") as log:
                started.append(subprocess.Popen([str(PROGRAM), str(settings)], stdout=log, stderr=log, user=owner))
            until(lambda: (Path(folder) / ".s.PGSQL.6432").exists(), f"a pooler: {(Path(folder) / 'log').read_text()}", started[-1], seconds=20)
            return replace(postgres_url, query={"host": folder, "port": "6432"})

        yield start
        for process in started:
            process.terminate()
            process.wait(120)


def test_a_transaction_pooler_is_refused_with_the_reason_and_the_address_to_use(
    project: Tiny, postgres_url: DatabaseUrl, pooled: Pooled
) -> None:
    """Through it two runs hold the same lock, and the lock stays behind with whoever comes next."""
    project.tables("users").point("dev", pooled("transaction"))
    said = project.here("upgrade", "dev", check=3).stderr
    assert "code: transaction-pooler" in said and "5432" in said and "changed: nothing" in said
    assert Database(postgres_url).tables() == []
    assert Database(postgres_url).query("select count(*) from pg_locks where locktype = 'advisory'") == [(0,)]


def test_a_busy_transaction_pooler_is_recognised_every_time(pooled: Pooled) -> None:
    """Under load it hands out another backend for each transaction, and two connections seldom meet on one."""
    url, dialect, stop = pooled("transaction", 6), dialect_named("postgresql"), threading.Event()

    def work() -> None:
        with psycopg.connect(url.render().reveal(), autocommit=True, prepare_threshold=None) as connection:
            while not stop.is_set():
                connection.execute("select pg_sleep(0.002)")

    clients = [threading.Thread(target=work) for _ in range(5)]
    try:
        for client in clients:
            client.start()
        for _ in range(40):
            with pytest.raises(Refused) as error:
                dialect.refuse_pooler(url, 5)
            assert error.value.code == "transaction-pooler"
    finally:
        stop.set()
        for client in clients:
            client.join()


def test_a_session_pooler_is_as_good_as_the_server(project: Tiny, postgres_url: DatabaseUrl, pooled: Pooled) -> None:
    """Each client has a backend of its own there: locks and settings hold, and end with the session."""
    project.tables("users").point("dev", pooled("session"))
    project.here("upgrade", "dev", check=0)
    assert "nothing to do" in project.here("upgrade", "dev", check=0).stdout
    assert Database(postgres_url).heads() == ["r1"]
    assert Database(postgres_url).query("select count(*) from pg_locks where locktype = 'advisory'") == [(0,)]


def test_the_server_itself_is_no_pooler(postgres_url: DatabaseUrl) -> None:
    """One connection is enough to see that."""
    dialect_named("postgresql").refuse_pooler(postgres_url, 5)
