"""SIGTERM, SIGINT and SIGKILL while a statement runs: it ends in the server too, nothing half done stays, and the next run goes on."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from building import SETTINGS, TEMPLATES, Database, Tiny, create_table, until
from running import lock_is_free

from lockgate.secret import DatabaseUrl

# Long statements; the SQLite one counts for hours, in C, where no Python signal handler is heard.
SLEEP = "select pg_sleep(300)"
COUNT = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
MARIADB_SLEEPING = "select id from information_schema.processlist where info like 'insert into%sleep(300)%' and db = database()"
SLEEPING = f"select pid from pg_stat_activity where query = '{SLEEP}' and state = 'active' and datname = current_database()"


def working_on(project: Tiny, statement: str) -> subprocess.Popen[bytes]:
    """Start an upgrade whose second revision makes a table and then runs a long statement; return when it is about to."""
    started = project.folder / "started"
    lines = f'{create_table("second")}\nopen({str(started)!r}, "w").close()\nop.execute({statement!r})'
    project.tables("first").revision("r2", "r1", lines)
    process = project.start("upgrade", "dev", log="run")
    until(started.exists, "a revision that runs", process)
    return process


def assert_ended_in_good_order(project: Tiny, url: DatabaseUrl, code: str) -> None:
    """The first revision is kept, the second one is as if it had never begun, and somebody wrote down why."""
    said = project.said("run")
    assert f"code: {code}" in said
    assert "changed: upgrade r1 committed" in said
    assert "run the same command again" in said and "lockgate status dev" in said
    database = Database(url)
    assert database.user_tables() == ["first"] and database.heads() == ["r1"]
    verb, outcome, revision, why = database.ledger()[-1]
    assert (verb, outcome, revision) == ("upgrade", "interrupted", "r2")
    assert "applied `r1`" in why
    project.tables("first").revision("r2", "r1", create_table("second"))
    project.here("upgrade", "dev", check=0)
    assert database.applied() == ["r1", "r2"]


@pytest.mark.parametrize(
    ("driver", "number", "status", "code"),
    [
        ("psycopg", signal.SIGTERM, 143, "terminated"),
        ("psycopg2", signal.SIGINT, 130, "interrupted"),
        ("asyncpg", signal.SIGTERM, 143, "terminated"),
    ],
)
def test_a_signal_ends_the_statement_in_the_server_and_the_run_in_good_order(
    driver: str, number: signal.Signals, status: int, code: str, project: Tiny, postgres_url: DatabaseUrl
) -> None:
    """psycopg2 waits in C, where Python hears no signal; a statement that goes on keeps its locks and lockgate's own."""
    project.settings(SETTINGS.replace('protection = "open"\n', f'protection = "open"\ndriver = "{driver}"\n', 1)).point("dev", postgres_url)
    if driver == "asyncpg":
        project.env_py((TEMPLATES / "async" / "env.py").read_text())
    process = working_on(project, SLEEP)
    until(lambda: Database(postgres_url).query(SLEEPING), "a statement that runs", process)
    process.send_signal(number)
    assert process.wait(120) == status, project.said("run")
    assert Database(postgres_url).query(SLEEPING) == []
    assert lock_is_free(postgres_url)
    assert_ended_in_good_order(project, postgres_url, code)


@pytest.mark.parametrize(("number", "status", "code"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")])
def test_a_signal_ends_a_statement_of_sqlite(
    number: signal.Signals, status: int, code: str, project: Tiny, sqlite_url: DatabaseUrl
) -> None:
    """Python's driver waits in C as well; without being interrupted there it would go on for ever."""
    process = working_on(project.point("dev", sqlite_url), COUNT)
    process.send_signal(number)
    assert process.wait(120) == status, project.said("run")
    assert lock_is_free(sqlite_url)
    assert_ended_in_good_order(project, sqlite_url, code)


@pytest.mark.parametrize(
    ("driver", "number", "status", "code"), [("pymysql", signal.SIGTERM, 143, "terminated"), ("aiomysql", signal.SIGINT, 130, "interrupted")]
)
def test_a_signal_ends_the_statement_in_mariadb(
    driver: str, number: signal.Signals, status: int, code: str, project: Tiny, mariadb_url: DatabaseUrl
) -> None:
    """The drivers let go of the connection at once, and the server works on for nobody unless a second connection stops it."""
    if driver == "aiomysql":
        project.env_py((TEMPLATES / "async" / "env.py").read_text())
    database = Database(mariadb_url)
    process = working_on(project.point("dev", replace(mariadb_url, driver=driver)), "insert into second (name) select sleep(300)")
    until(lambda: database.query(MARIADB_SLEEPING), "a statement that runs", process)
    process.send_signal(number)
    assert process.wait(120) == status, project.said("run")
    assert database.query(MARIADB_SLEEPING) == []
    until(lambda: lock_is_free(mariadb_url), "a free lock", seconds=120)
    said = project.said("run")
    assert f"code: {code}" in said and "changed: upgrade r1 committed" in said
    verb, outcome, revision, why = database.ledger()[-1]
    assert (verb, outcome, revision) == ("upgrade", "interrupted", "r2")
    assert "applied `r1`" in why and "CREATE TABLE second" in why
    project.revision("r2", "r1", create_table("second") + '\nop.execute("insert into second (name) values (1)")')
    project.here("upgrade", "dev", check=0)
    assert database.query("select name from second") == [("1",)] and database.applied() == ["r1", "r2"]


def test_a_signal_ends_a_seed_in_mariadb(project: Tiny, mariadb_url: DatabaseUrl) -> None:
    """lockgate's own connection is stopped the same way: the lock must not be held by a script that nobody waits for."""
    database = Database(mariadb_url)
    (project.folder / "slow.sql").write_text("insert into first (name) select sleep(300);\n", encoding="utf-8")
    project.settings(f'{SETTINGS}[[seeds]]\nname = "slow"\nfile = "slow.sql"\nenvironments = ["dev"]\n').point("dev", mariadb_url)
    project.tables("first").here("upgrade", "dev", check=0)
    process = project.start("seed", "dev", log="run")
    until(lambda: database.query(MARIADB_SLEEPING), "a statement that runs", process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 143, project.said("run")
    assert database.query(MARIADB_SLEEPING) == []
    until(lambda: lock_is_free(mariadb_url), "a free lock", seconds=120)
    assert database.query("select * from first") == []


def test_ctrl_c_in_generated_code_has_the_same_exit_status(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """Imports generate code; Python ends by the signal itself, not with 130, where one of them was interrupted."""
    project.tables("first").point("dev", sqlite_url)
    project.revision("r2", "r1", 'exec("import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(300)")')
    done = project.lockgate("upgrade", "dev", check=130)
    assert "code: interrupted" in done.stderr and Database(sqlite_url).heads() == ["r1"]


def test_ctrl_c_is_not_lost_where_python_cannot_raise_it(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """In `__del__` and in callbacks of weak references Python swallows it; the run would go on as if nobody had pressed anything."""
    silent = "class Silent:\n    def __del__(self):\n        import os, signal\n        os.kill(os.getpid(), signal.SIGINT)\n        sum(range(100))"
    project.tables("first").point("dev", postgres_url)
    project.revision("r2", "r1", f"{silent}\nSilent()\nop.execute({SLEEP!r})")
    done = project.lockgate("upgrade", "dev", check=130)
    assert "code: interrupted" in done.stderr and "Exception ignored" not in done.stderr
    assert Database(postgres_url).heads() == ["r1"]


def test_a_second_signal_ends_the_process_at_once(project: Tiny, postgres_url: DatabaseUrl, tmp_path: Path) -> None:
    """Whoever asks twice does not want to wait for anything, not even for a revision that does not let go."""
    held = tmp_path / "held"
    stubborn = f'try:\n    op.execute({SLEEP!r})\nexcept KeyboardInterrupt:\n    open({str(held)!r}, "w").close()\n    import threading; threading.Event().wait()'
    project.revision("r1", None, f"{create_table('first')}\n{stubborn}")
    project.point("dev", postgres_url)
    process = project.start("upgrade", "dev", log="run")
    until(lambda: Database(postgres_url).query(SLEEPING), "a statement that runs", process)
    process.send_signal(signal.SIGTERM)
    until(held.exists, "a revision that catches what ends it", process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 143
    until(lambda: lock_is_free(postgres_url), "a free lock", seconds=120)
    assert Database(postgres_url).user_tables() == []


def test_the_lock_of_a_killed_run_is_free_long_before_its_statement_would_end(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """A backend looks after its client only when told to, here twice a second; otherwise the next deployment waits for a statement that nobody wants."""
    process = working_on(project.point("dev", postgres_url), SLEEP)
    until(lambda: Database(postgres_url).query(SLEEPING), "a statement that runs", process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: lock_is_free(postgres_url), "a free lock", seconds=120)  # the statement takes 300
    assert Database(postgres_url).user_tables() == ["first"]
