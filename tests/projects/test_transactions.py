"""Revisions that leave their transaction, wait, collide or end the process: success is head on a fresh look and nothing less."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from building import SETTINGS, Database, Tiny, create_table
from calling import shown
from running import lock_is_free, up, up_fails

from lockgate.events import Applied, Event, Notice, Retrying
from lockgate.secret import DatabaseUrl

CONCURRENTLY = "with op.get_context().autocommit_block():\n    op.execute({0!r})"
UNIQUE = CONCURRENTLY.format("create unique index concurrently first_name on first (name)")
UNIQUE_IF_NOT_EXISTS = CONCURRENTLY.format("create unique index concurrently if not exists first_name on first (name)")
INVALID = "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid where not i.indisvalid"
FOREIGN_KEYS_ENV_PY = """
from alembic import context
from sqlalchemy import engine_from_config, event, pool

engine = engine_from_config(context.config.get_section("alembic", {}), prefix="sqlalchemy.", poolclass=pool.NullPool)


@event.listens_for(engine, "connect")
def enforce(connection, record):
    connection.execute("PRAGMA foreign_keys=ON")


with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    print("foreign_keys after the run:", connection.exec_driver_sql("PRAGMA foreign_keys").scalar())
"""


def limited(project: Tiny, **seconds: float) -> Tiny:
    """Write limits into `[environments.dev]`."""
    lines = "".join(f"{name} = {value}\n" for name, value in seconds.items())
    return project.settings(SETTINGS.replace('protection = "open"\n', f'protection = "open"\n{lines}', 1))


@contextmanager
def holding(url: DatabaseUrl, sql: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Keep a transaction of another session open that ran `sql`."""
    with psycopg.connect(shown(url)) as connection:
        connection.execute(sql.encode())
        yield connection
        connection.rollback()


@pytest.fixture
def started(project: Tiny, postgres_url: DatabaseUrl) -> Tiny:
    """A project whose first revision, table `first`, is applied."""
    project.tables("first").point("dev", postgres_url)
    up(project)
    return project


# Transactions that a revision ends itself


@pytest.mark.parametrize("ending", ['op.execute("COMMIT")', 'op.execute("COMMIT; BEGIN")', "op.get_bind().connection.commit()"])
@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_a_revision_that_commits_behind_sqlalchemys_back_reaches_head(
    ending: str, driver: str, project: Tiny, postgres_url: DatabaseUrl
) -> None:
    """An old way to get out of the transaction; what follows it is in the driver's next one, its version row too."""
    project.settings(SETTINGS.replace('protection = "open"\n', f'protection = "open"\ndriver = "{driver}"\n', 1))
    project.tables("first").point("dev", postgres_url)
    project.revision("r2", "r1", f"{create_table('second')}\n{ending}\n{create_table('third')}")
    assert up(project).to_heads == ("r2",)
    database = Database(postgres_url)
    assert database.heads() == ["r2"] and database.applied() == ["r1", "r2"]
    assert database.user_tables() == ["first", "second", "third"]
    assert lock_is_free(postgres_url)


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_a_revision_that_ends_its_transaction_by_hand_is_a_failure_and_not_called_applied(
    ending: str, project: Tiny, database_url: DatabaseUrl
) -> None:
    """SQLAlchemy begins another one for what follows, which Alembic never commits: the version row would be missing, quietly."""
    project.tables("first").point("dev", database_url)
    project.revision("r2", "r1", f"{create_table('second')}\nop.get_bind().{ending}()\n{create_table('third')}")
    project.revision("r3", "r2", create_table("fourth"))
    heard: list[Event] = []
    error = up_fails(project, notify=heard.append)
    assert (error.code, error.exit_code, error.changed) == ("not-at-target", 1, "applied `r1`")
    assert "`r2`" in error.what and error.hint
    assert [event.done.step.revision for event in heard if isinstance(event, Applied)] == ["r1"]
    database = Database(database_url)
    assert database.heads() == ["r1"] and database.applied() == ["r1"]
    assert database.user_tables() == (["first", "second"] if ending == "commit" else ["first"])
    assert lock_is_free(database_url)


def test_a_revision_that_commits_by_hand_and_then_fails_says_what_stayed(started: Tiny, postgres_url: DatabaseUrl) -> None:
    """The version table says r1, so that the next run repeats it: the ledger and the error must not say anything else."""
    started.revision("r2", "r1", f'{create_table("second")}\nop.execute("COMMIT")\nop.execute("select 1/0")')
    error = up_fails(started)
    assert (error.code, error.exit_code) == ("revision-failed", 1)
    database = Database(postgres_url)
    assert database.heads() == ["r1"] and database.applied() == ["r1"]
    assert database.user_tables() == ["first", "second"]


def test_a_connection_that_dies_in_a_revision_is_a_failure_with_the_servers_own_reason(started: Tiny, postgres_url: DatabaseUrl) -> None:
    """The first error is the one to show, not those of cleaning up after it."""
    started.revision("r2", "r1", f'{create_table("second")}\nop.execute("select pg_terminate_backend(pg_backend_pid())")')
    error = up_fails(started)
    assert (error.code, error.exit_code) == ("revision-failed", 1)
    assert "r2.py:" in error.where
    database = Database(postgres_url)
    assert database.heads() == ["r1"] and database.user_tables() == ["first"]
    assert lock_is_free(postgres_url)


@pytest.mark.parametrize("line", ["raise SystemExit(0)", "import sys; sys.exit(0)", "import sys; sys.exit()"])
def test_a_revision_that_ends_the_process_is_a_failure(line: str, project: Tiny, database_url: DatabaseUrl) -> None:
    """Plain Alembic exits 0 here, and the deployment goes on without its table."""
    project.tables("first").point("dev", database_url)
    project.revision("r2", "r1", f"{create_table('second')}\n{line}")
    error = up_fails(project)
    assert (error.code, error.exit_code, error.changed) == ("revision-failed", 1, "applied `r1`")
    assert Database(database_url).user_tables() == ["first"]
    assert lock_is_free(database_url)


def test_a_revision_that_ends_the_process_ends_the_command_with_1(project: Tiny, database_url: DatabaseUrl) -> None:
    """The same, as the shell sees it."""
    project.tables("first").point("dev", database_url)
    project.revision("r2", "r1", "import sys; sys.exit(0)")
    project.lockgate("upgrade", "dev", check=1)


def test_an_error_names_file_line_and_statement(project: Tiny, database_url: DatabaseUrl) -> None:
    """Where to look, without a traceback of sixty lines."""
    project.tables("first").point("dev", database_url)
    path = project.revision("r2", "r1", f'{create_table("second")}\nop.execute("select no_such_column from first")')
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "no_such_column" in text)
    error = up_fails(project)
    assert f"r2.py:{line}" in error.where
    assert "statement: select no_such_column from first" in error.where
    assert "no_such_column" in error.what
    assert error.changed == "applied `r1`"
    failures = [row for row in Database(database_url).ledger() if row[1] == "failed"]
    assert [(row[0], row[2]) for row in failures] == [("upgrade", "r2")]


# Outside of a transaction


def test_an_index_is_built_concurrently_in_an_autocommit_block(started: Tiny, postgres_url: DatabaseUrl) -> None:
    """What comes before the block is committed by it, what comes after has a transaction; the ledger tells the start and the end."""
    started.revision("r2", "r1", f"{create_table('second')}\n{UNIQUE}\n{create_table('third')}")
    assert up(started).to_heads == ("r2",)
    database = Database(postgres_url)
    assert database.query(INVALID) == []
    assert [row[1:3] for row in database.ledger() if row[2] == "r2"] == [("started", "r2"), ("applied", "r2")]
    assert lock_is_free(postgres_url)


@pytest.mark.parametrize("again", [UNIQUE, UNIQUE_IF_NOT_EXISTS], ids=["create", "create if not exists"])
def test_a_broken_concurrent_build_fails_and_its_leftover_is_dropped_by_the_next_run(
    again: str, started: Tiny, postgres_url: DatabaseUrl
) -> None:
    """`IF NOT EXISTS` would find the INVALID index and be content: constraint and speed would be missing, quietly."""
    database = Database(postgres_url)
    database.query("insert into first (id, name) values (1, 'same'), (2, 'same')")
    started.revision("r2", "r1", again)
    error = up_fails(started)
    assert (error.code, error.exit_code) == ("revision-failed", 1)
    assert database.query(INVALID) == [("first_name",)]
    assert database.heads() == ["r1"]

    database.query("update first set name = 'other' where id = 2")
    heard: list[Event] = []
    done = up(started, notify=heard.append)
    assert done.to_heads == ("r2",)
    said = [event.text for event in heard if isinstance(event, Notice)]
    assert len(said) == 1 and "first_name" in said[0] and "INVALID" in said[0] and "`r2`" in said[0]
    assert done.notices == tuple(said)
    assert database.query(INVALID) == []
    assert database.query("select indisvalid from pg_index where indexrelid = 'first_name'::regclass") == [(True,)]
    assert database.heads() == ["r2"]


def test_an_invalid_index_is_never_a_success(started: Tiny, postgres_url: DatabaseUrl) -> None:
    """A revision may catch its own error; the index that is left counts, not what the revision thinks of it."""
    database = Database(postgres_url)
    database.query("insert into first (id, name) values (1, 'same'), (2, 'same')")
    quiet = "try:\n" + "\n".join(f"    {line}" for line in UNIQUE.splitlines()) + "\nexcept Exception:\n    pass"
    started.revision("r2", "r1", quiet)
    error = up_fails(started)
    assert error.exit_code == 1
    assert error.code in ("invalid-index", "revision-failed")


def test_somebody_elses_invalid_index_is_left_alone(started: Tiny, postgres_url: DatabaseUrl) -> None:
    """Only what an unfinished revision of ours left behind is ours to drop."""
    database = Database(postgres_url)
    database.query("insert into first (id, name) values (1, 'same'), (2, 'same')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.query("create unique index concurrently theirs on first (name)")
    started.revision("r2", "r1", create_table("second"))
    assert up(started).notices == ()
    assert database.query(INVALID) == [("theirs",)]


# Locks and time


def blocked_by(url: DatabaseUrl, table: str) -> Callable[[], bool]:
    """Return a question: does somebody wait for the table?"""
    sql = f"select 1 from pg_locks where not granted and relation = '{table}'::regclass"
    return lambda: bool(Database(url).query(sql))


def test_a_revision_that_cannot_get_its_lock_is_tried_again_until_it_can(started: Tiny, postgres_url: DatabaseUrl) -> None:
    """Short tries, so that nobody queues behind the migration for long; earlier statements of the revision are repeated."""
    limited(started, lock_timeout=0.1, lock_wait=60)
    started.revision("r2", "r1", f'{create_table("second")}\nop.add_column("first", sa.Column("price", sa.Integer))')
    heard: list[Event] = []
    with holding(postgres_url, "select * from first") as other:

        def notify(event: Event) -> None:
            heard.append(event)
            if sum(isinstance(item, Retrying) for item in heard) == 2:
                other.rollback()

        assert up(started, notify=notify).to_heads == ("r2",)
    retries = [event for event in heard if isinstance(event, Retrying)]
    assert [event.attempt for event in retries] == [1, 2]
    assert "lock" in retries[0].reason and retries[0].step.revision == "r2"
    assert sum(isinstance(event, Applied) for event in heard) == 1
    assert Database(postgres_url).applied() == ["r1", "r2"]
    assert Database(postgres_url).user_tables() == ["first", "second"]


def test_a_table_that_is_locked_for_too_long_is_busy_and_nothing_changes(started: Tiny, postgres_url: DatabaseUrl) -> None:
    """Exit 4: the same command is right a little later."""
    limited(started, lock_timeout=0.1, lock_wait=0.3)
    started.revision("r2", "r1", f'{create_table("second")}\nop.add_column("first", sa.Column("price", sa.Integer))')
    with holding(postgres_url, "select * from first"):
        error = up_fails(started)
        assert (error.code, error.exit_code, error.changed) == ("lock-timeout", 4, "nothing")
        assert error.hint
        assert Database(postgres_url).user_tables() == ["first"]
        assert Database(postgres_url).heads() == ["r1"]
        assert lock_is_free(postgres_url)
    assert up(started).to_heads == ("r2",)


def test_a_deadlock_is_tried_again(started: Tiny, postgres_url: DatabaseUrl) -> None:
    """The server ends one of two; where it is the migration, its transaction is gone as a whole and can be repeated."""
    database = Database(postgres_url)
    database.query("create table other (id integer)")
    limited(started, lock_timeout=20, lock_wait=60)
    # The migration's own deadlock check comes first, so that it is the victim.
    lines = 'op.execute("set local deadlock_timeout = \'50ms\'")\nop.execute("lock table first")\nop.execute("lock table other")'
    started.revision("r2", "r1", f"{create_table('second')}\n{lines}")
    heard: list[Event] = []
    with psycopg.connect(shown(postgres_url)) as other:
        other.execute("set deadlock_timeout = '60s'")
        other.execute("lock table other")

        def lock_the_other_way_round() -> None:
            waits = blocked_by(postgres_url, "other")
            give_up = time.monotonic() + 120
            while not waits() and time.monotonic() < give_up:
                pass
            other.execute("lock table first")
            other.rollback()

        # The deadlock check of a backend runs once, after its deadlock_timeout: the ring must be closed by then.
        lines = lines.replace("50ms", "3s")
        started.revision("r2", "r1", f"{create_table('second')}\n{lines}")
        thread = threading.Thread(target=lock_the_other_way_round)
        thread.start()
        done = up(started, notify=heard.append)
        thread.join(30)
    assert done.to_heads == ("r2",)
    assert any(isinstance(event, Retrying) and "deadlock" in event.reason for event in heard)
    assert database.applied() == ["r1", "r2"]
    assert lock_is_free(postgres_url)


def test_a_statement_that_runs_for_too_long_is_a_failure(started: Tiny, postgres_url: DatabaseUrl) -> None:
    """`statement_timeout` bounds what a revision may do to the others; not a lock, so it is not tried again."""
    limited(started, statement_timeout=0.2)
    started.revision("r2", "r1", f'{create_table("second")}\nop.execute("select pg_sleep(30)")')
    heard: list[Event] = []
    error = up_fails(started, notify=heard.append)
    assert (error.code, error.exit_code, error.changed) == ("revision-failed", 1, "nothing")
    assert "statement timeout" in error.what
    assert not any(isinstance(event, Retrying) for event in heard)
    assert Database(postgres_url).user_tables() == ["first"]


# SQLite


def test_sqlite_takes_back_the_tables_of_a_failed_revision(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """Python's driver begins no transaction before DDL; here every revision has a real one."""
    project.tables("first").point("dev", sqlite_url)
    lines = f'{create_table("second")}\nop.execute("alter table first add column price integer")\nop.execute("insert into first values (1, \'x\', 2)")'
    project.revision("r2", "r1", f'{lines}\nop.execute("create index i on first (price)")\nraise RuntimeError("broken")')
    up(project, "r1")
    before = Database(sqlite_url)
    schema = before.query("select * from sqlite_master")
    assert up_fails(project).code == "revision-failed"
    assert before.query("select * from sqlite_master") == schema
    assert before.query("select * from first") == []
    assert lock_is_free(sqlite_url)


@pytest.fixture
def family(project: Tiny, sqlite_url: DatabaseUrl) -> Tiny:
    """A parent with a row and a cascading child with a row, on an engine that enforces foreign keys."""
    project.env_py(FOREIGN_KEYS_ENV_PY).point("dev", sqlite_url)
    parent = 'op.create_table("parent", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(9)))'
    child = 'op.create_table("child", sa.Column("id", sa.Integer, primary_key=True), sa.Column("parent_id", sa.Integer, sa.ForeignKey("parent.id", ondelete="CASCADE")))'
    rows = 'op.execute("insert into parent values (1, \'p\')")\nop.execute("insert into child values (1, 1)")'
    project.revision("r1", None, f"{parent}\n{child}\n{rows}")
    up(project)
    return project


REBUILD = 'with op.batch_alter_table("parent", recreate="always") as batch:\n    batch.alter_column("name", new_column_name="title")'


def test_a_batch_rebuild_of_a_parent_keeps_its_cascading_children(
    family: Tiny, sqlite_url: DatabaseUrl, capfd: pytest.CaptureFixture[str]
) -> None:
    """The rebuild drops the parent table; with enforcement on, SQLite deletes the children first, and says nothing."""
    family.revision("r2", "r1", REBUILD)
    up(family)
    assert Database(sqlite_url).query("select * from child") == [(1, 1)]
    assert Database(sqlite_url).query("select id, title from parent") == [(1, "p")]
    assert "foreign_keys after the run: 1" in capfd.readouterr().err


def test_a_revision_that_leaves_rows_without_a_parent_is_taken_back(
    family: Tiny, sqlite_url: DatabaseUrl, capfd: pytest.CaptureFixture[str]
) -> None:
    """Enforcement is off while a revision runs, so the check is ours; afterwards it is on again."""
    family.env_py(
        FOREIGN_KEYS_ENV_PY.replace("    with context.begin", "    try:\n     with context.begin")
        .replace("        context.run", "         context.run")
        .replace("    print(", "    finally: print(")
    )
    family.revision("r2", "r1", f'{create_table("second")}\nop.execute("delete from parent")')
    error = up_fails(family)
    assert (error.code, error.exit_code, error.changed) == ("foreign-key-violations", 1, "nothing")
    assert "`child`" in error.what and "`parent`" in error.what
    database = Database(sqlite_url)
    assert database.query("select * from parent") == [(1, "p")] and database.query("select * from child") == [(1, 1)]
    assert database.heads() == ["r1"] and "second" not in database.user_tables()
    assert database.applied() == ["r1"]
    assert "foreign_keys after the run: 1" in capfd.readouterr().err
    assert lock_is_free(sqlite_url)


def test_violations_of_before_do_not_stop_a_revision(family: Tiny, sqlite_url: DatabaseUrl) -> None:
    """They are none of this revision's doing, and refusing would block the one that mends them."""
    database = Database(sqlite_url)
    database.query("insert into child values (2, 99)")
    family.revision("r2", "r1", create_table("second"))
    assert up(family).to_heads == ("r2",)


def test_a_revision_that_rolls_back_by_hand_is_a_failure(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """SQLAlchemy does not see a ROLLBACK in SQL: the version row would say that a table is there which is not."""
    lines = f'{create_table("second")}\nop.execute("ROLLBACK")\n{create_table("third")}'
    project.tables("first").revision("r2", "r1", lines)
    done = project.point("dev", postgres_url).lockgate("upgrade", "dev", check=1)
    assert "rolled its own transaction back" in done.stderr
    database = Database(postgres_url)
    assert (database.heads(), database.user_tables()) == (["r1"], ["first"])


def test_an_id_that_the_version_table_has_no_room_for_is_told_as_alembic_tells_it(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """The statement that fails is one that users know, and not lockgate's own."""
    long = "r2_" + "x" * 40
    project.tables("first").revision(long, "r1", create_table("second"))
    done = project.point("dev", postgres_url).here("upgrade", "dev", check=1)
    assert "UPDATE alembic_version" in done.stderr and "ledger" not in done.stderr
    assert "changed: applied `r1`" in done.stderr
    database = Database(postgres_url)
    assert (database.heads(), database.user_tables()) == (["r1"], ["first"])
    project.here("upgrade", "dev", check=1)
    [newest, *_] = [line for line in project.here("history", "dev", check=0).stdout.splitlines() if "failed" in line]
    assert " at r1 " in newest and "base" not in newest, "a run that broke off went nowhere"
