"""A connection that is lost, or a process that is killed, at moments that are easily forgotten."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys

import pytest
from building import TEMPLATES, Database, Tiny
from running import up

from lockgate.secret import DatabaseUrl

# A transaction that did not fit into SQLite's memory: half of it is in the file when the process dies.
DIES_WRITING = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("pragma cache_size = 2")
connection.execute("begin")
connection.execute("create table half (name text)")
connection.executemany("insert into half values (?)", [("x" * 2000,)] * 500)
os._exit(9)
"""
ENDS_IN_THE_FIRST_STATEMENT = """
import os, signal
from sqlalchemy import event
from sqlalchemy.engine import Engine

@event.listens_for(Engine, "before_cursor_execute", once=True)
def end(*args):
    os.kill(os.getpid(), signal.SIGTERM)
"""
COUNTS_CONNECTIONS = """
import sys
from sqlalchemy import event
from sqlalchemy.engine import Engine

if not hasattr(sys, "counted"):
    sys.counted = event.listen(Engine, "connect", lambda *args: print("env.py connects"))
"""
ENDS_AT_COMMIT = """
op.execute("create function bye() returns trigger language plpgsql as 'begin perform pg_terminate_backend(pg_backend_pid()); return null; end'")
op.execute("create constraint trigger bye after insert on users deferrable initially deferred for each row execute function bye()")
op.execute("insert into users (name) values ('x')")
"""
END_OURSELVES = 'op.execute("select pg_terminate_backend(pg_backend_pid())")'


def env_py(project: Tiny, addition: str) -> None:
    """Put lines before Alembic's own env.py."""
    project.env_py(addition + (TEMPLATES / "generic" / "env.py").read_text(encoding="utf-8"))


def test_a_sqlite_file_with_the_journal_of_a_killed_process_can_be_looked_at(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """Whoever may only read cannot roll back what the dead one left; every verb begins with a look, so nothing would ever heal it."""
    project.tables("users", "orders").point("dev", sqlite_url)
    up(project, "r1")
    subprocess.run([sys.executable, "-c", DIES_WRITING, sqlite_url.database], check=False, timeout=120)
    with pytest.raises(sqlite3.OperationalError):
        sqlite3.connect(f"file:{sqlite_url.database}?mode=ro", uri=True).execute("select * from sqlite_master")
    assert "r1" in project.here("status", "dev", check=0).stdout
    assert up(project).to_heads == ("r2",)
    assert Database(sqlite_url).user_tables() == ["orders", "users"]


def test_a_lost_connection_is_not_replaced_by_one_that_holds_no_lock(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """SQLAlchemy would connect again for the ledger's row, without a bound on the time; lockgate writes it by its own way in."""
    env_py(project, COUNTS_CONNECTIONS)
    project.tables("users").point("dev", postgres_url)
    project.revision("r2", "r1", END_OURSELVES)
    said = project.lockgate("upgrade", "dev", check=1).stderr
    assert "changed: applied `r1`" in said
    assert said.count("env.py connects") == 1
    verb, outcome, revision, why = Database(postgres_url).ledger()[-1]
    assert (verb, outcome, revision) == ("upgrade", "failed", "r2") and "terminating connection" in why


def test_a_commit_that_was_not_answered_is_not_called_nothing(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """Where the wire is cut at that moment only the server knows how it ended: `changed: nothing` would be a guess."""
    project.tables("users").point("dev", postgres_url)
    project.revision("r2", "r1", ENDS_AT_COMMIT)
    said = project.lockgate("upgrade", "dev", check=1).stderr
    assert "changed: applied `r1`; perhaps `r2`, whose COMMIT was not answered" in said
    assert Database(postgres_url).heads() == ["r1"]


def test_a_full_disk_is_called_that(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """"Check the URL" and "mend the revision" are no use to whoever has to make room."""
    project.tables("users").point("dev", sqlite_url)
    project.revision("r2", "r1", 'op.execute("pragma max_page_count = 1")\nop.execute("insert into users (name) values (hex(zeroblob(100000)))")')
    said = project.lockgate("upgrade", "dev", check=1).stderr
    assert "code: disk-full" in said and "make room" in said and "changed: applied `r1`" in said


def test_a_signal_in_the_middle_of_the_judgement_ends_the_run_as_a_signal_does(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """What is wrong with the connection after that is not what happened, and exit 1 would stop a deployment for good."""
    env_py(project, ENDS_IN_THE_FIRST_STATEMENT)
    project.tables("users").point("dev", postgres_url)
    done = project.lockgate("upgrade", "dev", check=128 + signal.SIGTERM)
    assert "code: terminated" in done.stderr and "changed: nothing" in done.stderr
    assert Database(postgres_url).user_tables() == []


def test_a_signal_in_a_batch_operation_is_told_as_a_signal(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """Alembic drops its copy of the table on the way up, finds the connection gone, and raises that in place of the signal."""
    env_py(project, ENDS_IN_THE_FIRST_STATEMENT.replace("(*args):", "(*args):\n    if 'INSERT INTO _alembic_tmp' not in args[2]: return").replace(", once=True", ""))
    project.tables("users").point("dev", sqlite_url)
    project.revision("r2", "r1", 'with op.batch_alter_table("users") as batch:\n    batch.alter_column("name", nullable=False)')
    done = project.lockgate("upgrade", "dev", check=128 + signal.SIGTERM)
    assert "code: terminated" in done.stderr and "changed: upgrade r1 committed" in done.stderr
    assert Database(sqlite_url).ledger()[-1][:3] == ("upgrade", "interrupted", "r2")


def test_a_registry_of_sqlite_that_is_half_made_is_completed(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """Each of its tables is committed by itself, and a run may be killed between two of them; nothing could be done with the file any more."""
    dies = ENDS_IN_THE_FIRST_STATEMENT.replace("SIGTERM", "SIGKILL").replace(", once=True", "")
    env_py(project, dies.replace("(*args):", "(*args):\n    if not os.environ.get('DIE') or 'lockgate_setting (' not in args[2]: return"))
    project.tables("users").point("dev", sqlite_url)
    project.lockgate("upgrade", "dev", check=-signal.SIGKILL, DIE="yes")
    assert Database(sqlite_url).tables() == ["lockgate_marker"]
    assert up(project).to_heads == ("r1",)
    assert Database(sqlite_url).applied() == ["r1"]
