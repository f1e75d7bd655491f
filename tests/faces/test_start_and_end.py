"""The process itself: what a call with nothing to do reads and asks, and how the command line leaves."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from building import Tiny

from lockgate.secret import DatabaseUrl

# Of what lockgate or its libraries could drag in; each costs a start more than all of the look.
HEAVY = {"sqlalchemy", "alembic", "mako", "boto3", "botocore", "rich", "jinja2", "msgspec", "pygments", "postgast", "yaml"}
OURS = {"lockgate.alembic_seam", "lockgate.seeds.rows", "lockgate.seeds.script", "lockgate.journal", "lockgate.drift", "lockgate.sql_script", "lockgate.scratch"}
PROBE = """
import atexit, sys
from lockgate.cli.main import main
atexit.register(lambda: print("loaded", *sorted(sys.modules)))
sys.argv[1:] = {arguments!r}
main()
"""
FAREWELL = """
import atexit, sys, tempfile, threading, time, types
own = sys.modules["own"] = types.ModuleType("own")
own.unclosed = open("unclosed.txt", "w")
own.unclosed.write("all of it")
temporary = tempfile.NamedTemporaryFile(dir=".", prefix="temporary-")
atexit.register(lambda: print("farewell at exit", file=sys.stderr))
def late():
    time.sleep(0.3)
    print("farewell of a thread", file=sys.stderr)
threading.Thread(target=late).start()
"""


class Wire:
    """What clients said to a server: for each connection the statements sent, prepared ones each time they run."""

    def __init__(self) -> None:
        self.sent: list[Counter[bytes]] = []

    @property
    def statements(self) -> list[int]:
        """Questions of either protocol, by connection."""
        return [sent[b"Q"] + sent[b"B"] for sent in self.sent]


def take_messages(data: bytes, sent: Counter[bytes]) -> bytes:
    """Count the messages at the beginning of `data`; return what is not a whole one yet."""
    while len(data) >= 5 and len(data) > (length := int.from_bytes(data[1:5], "big")):
        sent[data[:1]] += 1
        data = data[length + 1 :]
    return data


@contextmanager
def listening(url: DatabaseUrl) -> Iterator[tuple[DatabaseUrl, Wire]]:
    """Stand between lockgate and a server, and count; without TLS, as a Unix socket has none."""
    wire = Wire()
    place = f"{url.query['host']}/.s.PGSQL.{url.query['port']}"

    def pump(source: socket.socket, target: socket.socket, sent: Counter[bytes] | None) -> None:
        rest, started = b"", False
        with suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
                if sent is None:
                    continue
                rest += data
                if not started and len(rest) >= 4 and len(rest) >= int.from_bytes(rest[:4], "big"):
                    rest, started = rest[int.from_bytes(rest[:4], "big") :], True  # the first message has no type
                rest = take_messages(rest, sent) if started else rest
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = door.accept()
                sent: Counter[bytes] = Counter()
                wire.sent.append(sent)
                server = socket.socket(socket.AF_UNIX)
                server.connect(place)
                for pair in ((client, server, sent), (server, client, None)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=serve, daemon=True).start()
        query = {name: value for name, value in url.query.items() if name not in ("host", "port")}
        yield replace(url, host="127.0.0.1", port=door.getsockname()[1], query={**query, "sslmode": "disable", "gssencmode": "disable"}), wire


def probe(project: Tiny, *arguments: str) -> set[str]:
    """Return the modules that a call has loaded when it ends."""
    command = [sys.executable, "-c", PROBE.format(arguments=list(arguments))]
    done = subprocess.run(command, cwd=project.folder, env=project.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("loaded ")[2].split())


@pytest.mark.not_on_mariadb("its driver is pure Python, and its look has more questions")
@pytest.mark.parametrize("verb", ["upgrade", "status"])
def test_a_call_with_nothing_to_do_reads_neither_alembic_nor_what_other_verbs_need(project: Tiny, database_url: DatabaseUrl, verb: str) -> None:
    """Deployments run it every time: importing what it does not need would take longer than all that it does."""
    project.tables("users").point("dev", database_url).here("upgrade", "dev", check=0)
    loaded = probe(project, verb, "dev")
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()
    assert {name for name in loaded if any(name == one or name.startswith(f"{one}.") for one in OURS)} == set()


def test_a_call_with_nothing_to_do_connects_once_and_asks_eight_questions(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """A look takes as long as its ways to the server and back, and the number of them is the same for any history."""
    project.tables("users", "orders", "items").point("dev", postgres_url).here("upgrade", "dev", check=0)
    environ = {"PYTHONDONTWRITEBYTECODE": ""}
    project.lockgate("upgrade", "dev", check=0, **environ)
    project.lockgate("upgrade", "dev", check=0, **environ)  # has read the ledger, and keeps that nothing was edited
    with listening(postgres_url) as (url, wire):
        project.point("dev", url).lockgate("upgrade", "dev", check=0, **environ)
        project.lockgate("status", "dev", check=0, **environ)
    assert wire.statements == [8, 9], wire.sent  # the status has the last run, too


def test_a_revision_costs_six_statements_with_its_transaction(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """BEGIN, limits and lock, SAVEPOINT, the version row with the ledger's row, COMMIT, and what the revision does itself."""
    project.tables("one", "two", "three", "four").point("dev", postgres_url).here("upgrade", "dev", "r1", check=0)
    costs = []
    for to in ("r2", "r4"):
        with listening(postgres_url) as (url, wire):
            project.point("dev", url).lockgate("upgrade", "dev", to, check=0)
        costs.append(max(wire.statements))  # of the working connection
    assert costs[1] - costs[0] == 6, costs


@pytest.mark.parametrize(("last", "status"), [("pass", 0), ('raise RuntimeError("broken")', 1)], ids=["good", "failed"])
def test_leaving_at_once_leaves_out_nothing_that_a_process_owes(project: Tiny, sqlite_url: DatabaseUrl, last: str, status: int) -> None:
    """Revisions may register `atexit` functions, start threads and leave files open, as in any Python program; the status is the run's."""
    file = project.tables("users").revision("r2", "r1", last)
    file.write_text(f"{file.read_text()}\n{FAREWELL}")
    done = project.point("dev", sqlite_url).lockgate("upgrade", "dev", check=status)
    assert done.stderr.index("farewell of a thread") < done.stderr.index("farewell at exit")
    assert ("at r2" in done.stdout or "to r2" in done.stdout) is (status == 0)
    assert (project.folder / "unclosed.txt").read_text() == "all of it"
    assert list(project.folder.glob("temporary-*")) == []


def test_a_file_that_a_library_holds_is_written_at_the_end(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """A listener in env.py lives as long as SQLAlchemy, which is not taken apart at the end; what its file buffers is written all the same."""
    listener = """
import atexit
from sqlalchemy import Engine, event
heard = open("heard.txt", "w")
@event.listens_for(Engine, "connect")
def hear(connection, record):
    heard.write("connected ")
atexit.register(lambda: heard.write("and left"))
"""
    project.tables("users").point("dev", sqlite_url)
    env_py = project.folder / "migrations" / "env.py"
    env_py.write_text(listener + env_py.read_text())
    project.lockgate("upgrade", "dev", check=0)
    heard = (project.folder / "heard.txt").read_text()
    assert heard.startswith("connected ") and heard.endswith("and left")


def test_output_that_nobody_can_take_is_no_success(project: Tiny) -> None:
    """What Python says of it at its own end: a full disk must not look like an answer."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([sys.executable, "-m", "lockgate", "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode != 0


@pytest.mark.parametrize("watcher", [["cProfile", "-m"], ["trace", "--count", "--missing", "--summary", "--coverdir", "{}", "--module"]])
def test_a_profiler_that_runs_the_command_has_the_last_word(watcher: list[str], tmp_path: Path) -> None:
    """What it writes at the end is what it was started for."""
    command = [sys.executable, "-m", *(word.format(tmp_path) for word in watcher), "lockgate", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("lockgate "), done.stderr
    assert "function calls" in done.stdout or "lines   cov%" in done.stdout


def test_a_reader_that_left_is_no_failure(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """`| head -1` has read enough."""
    project.tables("users").point("dev", sqlite_url)
    command = f"{sys.executable} -m lockgate upgrade dev | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=project.folder, env=project.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
