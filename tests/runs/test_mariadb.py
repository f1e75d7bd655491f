"""What lockgate promises where DDL commits by itself: what ran is told, and the next run goes on behind it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from building import PYTEST, SETTINGS, TEMPLATES, Database, Tiny, create_table, pymysql_connection, until
from maria import Maria

from lockgate.secret import DatabaseUrl

PREFIX = "lockgate_journal"


@pytest.fixture
def database(mariadb_url: DatabaseUrl, project: Tiny) -> Database:
    """The database that `dev` is."""
    project.point("dev", mariadb_url)
    return Database(mariadb_url)


def journal(database: Database) -> list[tuple[object, ...]]:
    """What is written down of unfinished revisions."""
    return database.query(f"select direction, revision, number, state from {PREFIX} order by number")


def broken(project: Tiny, first: str = "", last: str = 'op.execute("no such statement")') -> None:
    """r2 makes a table, writes two rows, adds a column, fails."""
    project.revision("r1", None, create_table("users"), 'op.drop_table("users")')
    insert = "op.execute(\"insert into orders (name) values ('a'), ('b')\")"
    add = 'op.add_column("orders", sa.Column("extra", sa.Integer))'
    lines = [line for line in (first, create_table("orders"), insert, add, last) if line]
    project.revision("r2", "r1", "\n".join(lines), 'op.drop_column("orders", "extra")\nop.drop_table("orders")\nop.execute("drop table nowhere")')


def test_before_the_run_the_user_reads_what_this_database_cannot_do(project: Tiny, database: Database) -> None:
    """Whoever knows that a revision may stay half applied writes smaller ones, and takes a dump first."""
    database.query("create table old (id integer) engine = MyISAM")
    project.here("adopt", "dev", check=0, CONFIRM_ENV="dev")
    said = project.tables("users").here("upgrade", "dev", check=0).stderr
    assert "MariaDB commits every statement that changes the schema" in said
    assert "`old` (MyISAM): this storage engine has no transactions" in said
    assert said.index("may be half applied") < said.index("r1")


def test_a_failed_revision_says_what_ran_and_once_mended_goes_on_behind_it(project: Tiny, database: Database) -> None:
    """Stock Alembic says "table exists" for ever; here nothing is run twice and nothing is left out."""
    broken(project)
    said = project.here("upgrade", "dev", check=1).stderr
    assert "code: revision-failed" in said and "it goes on after the last one that was done" in said
    changed = said.partition("changed: ")[2].splitlines()[0]
    assert "applied `r1`" in changed and "3 statements of `r2`" in changed and "ADD COLUMN extra" in changed
    assert database.heads() == ["r1"] and "orders" in database.user_tables()
    assert "half applied: upgrade of `r2`, 3 statements done" in project.here("status", "dev").stdout
    broken(project, last='op.create_index("by_name", "orders", ["name"])')
    said = project.here("upgrade", "dev", check=0).stderr
    assert "upgrade of `r2` was broken off by an earlier run; what is done is not run again" in said
    assert database.heads() == ["r2"] and journal(database) == []
    assert database.query("select name, extra from orders order by id") == [("a", None), ("b", None)]
    assert database.applied() == ["r1", "r2"]


def test_a_revision_that_was_changed_above_the_break_is_refused_until_somebody_says_what_is_so(project: Tiny, database: Database) -> None:
    """Skipping a statement is right only if it is the same one."""
    broken(project)
    project.here("upgrade", "dev", check=1)
    before = database.contents()
    broken(project, first=create_table("first"), last="pass")
    said = project.here("upgrade", "dev", check=1).stderr
    assert "code: statement-changed" in said and "then: CREATE TABLE orders" in said and "now: `CREATE TABLE first" in said
    assert database.contents() == before
    assert "ends what was half applied (upgrade of `r2`, 3 statements done)" in project.here("stamp", "dev", "r2", check=0).stderr
    assert database.heads() == ["r2"] and journal(database) == []


def test_half_a_downgrade_is_not_taken_for_head(project: Tiny, database: Database) -> None:
    """The version table still says r2: without the journal `upgrade` would find nothing to do, and the table would be gone."""
    broken(project, last="pass")
    project.here("upgrade", "dev", check=0)
    assert project.here("downgrade", "dev", "r1", check=1, CONFIRM_ENV="dev").stderr.count("drop table nowhere") >= 1
    assert database.heads() == ["r2"] and database.user_tables() == ["users"]
    said = project.here("upgrade", "dev", check=1).stderr
    assert "code: half-applied" in said and "changed: nothing" in said and "lockgate downgrade ENV -1" in said
    database.query("create table nowhere (id integer)")
    project.here("downgrade", "dev", "r1", check=0, CONFIRM_ENV="dev")
    assert database.heads() == ["r1"] and journal(database) == []


def test_reset_ends_what_was_half_applied(project: Tiny, database: Database) -> None:
    """After that nothing is left that the journal could be about."""
    broken(project)
    project.here("upgrade", "dev", check=1)
    broken(project, last="pass")
    project.here("reset", "dev", check=0, CONFIRM_ENV="dev")
    assert database.heads() == ["r2"] and journal(database) == []


KINDS = {
    "procedure": ("op.execute('call work()')", True),
    "view": ("op.execute('create view v as select 1 as x')", False),
    "rename": ("op.rename_table('orders', 'moved')", False),
    "alter": ("op.alter_column('orders', 'name', type_=sa.String(60), existing_type=sa.String(50))", False),
    "drop": ("op.drop_table('users')", False),
    "trigger": ("op.execute('create trigger t before insert on orders for each row set new.extra = 1')", False),
}


@pytest.mark.parametrize("happened", [True, False], ids=["happened", "did not"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_statement_that_was_begun_is_looked_for_in_the_catalog(project: Tiny, database: Database, kind: str, happened: bool) -> None:
    """The run was killed while the server worked: it finishes the statement, or it does not, and nobody is told."""
    statement, unclear = KINDS[kind]
    database.query("create procedure work() insert into users (name) values ('x')")
    project.here("adopt", "dev", check=0, CONFIRM_ENV="dev")
    broken(project, last=f"import os\n{statement}\nassert 'BREAK' not in os.environ")
    database_state = project.here("upgrade", "dev", check=1, BREAK="1")
    assert "AssertionError" in database_state.stderr
    database.query(f"update {PREFIX} set state = 'begun' where number = 4")
    undo = {
        "view": "drop view v",
        "rename": "rename table moved to orders",
        "alter": "alter table orders modify name varchar(50)",
        "drop": "create table users (id integer not null auto_increment primary key, name varchar(50))",
        "trigger": "drop trigger t",
        "procedure": "delete from users",
    }
    if not happened:
        database.query(undo[kind])
    if kind == "drop" and not happened:  # as it was before: its definition is compared
        assert database.query("select count(*) from users") == [(0,)]
    done = project.here("upgrade", "dev")
    if unclear:
        assert done.returncode == 1 and "code: statement-unclear" in done.stderr
        hint = done.stderr.partition("hint: ")[2]
        remedy = hint.partition("If it happened: " if happened else "if not: ")[2].partition(";")[0]
        database.query(remedy)
        project.here("upgrade", "dev", check=0)
        assert database.query("select count(*) from users") == [(1,)]
    assert database.heads() == ["r2"] and journal(database) == []
    assert database.query("select count(*) from " + ("moved" if kind == "rename" else "orders")) == [(2,)]


def test_rows_in_an_autocommit_block_are_written_once(project: Tiny, database: Database) -> None:
    """Each statement commits itself there; it takes its row of the journal with it."""
    rows = "\n    ".join(f"op.execute(\"insert into users (name) values ('{name}')\")" for name in "abc")
    block = f"with op.get_context().autocommit_block():\n    {rows}"
    up = f"{create_table('users')}\n{block}\nimport os\nassert 'BREAK' not in os.environ"
    project.revision("r1", None, up)
    project.here("upgrade", "dev", check=1, BREAK="1")
    assert len(database.query("select * from users")) == 3
    project.here("upgrade", "dev", check=0)
    assert [name for (name,) in database.query("select name from users order by id")] == ["a", "b", "c"]


def test_what_the_server_refused_and_the_revision_caught_is_refused_again(project: Tiny, database: Database) -> None:
    """Asked again after later statements, the server would say yes, and drop what was made instead."""
    caught = 'try:\n    op.execute("drop table spare")\nexcept Exception:\n    pass'
    project.revision("r1", None, f"{caught}\n{create_table('spare')}\nimport os\nassert 'BREAK' not in os.environ")
    project.here("upgrade", "dev", check=1, BREAK="1")
    project.here("upgrade", "dev", check=0)
    assert database.user_tables() == ["spare"]


def test_a_bootstrap_killed_in_the_middle_is_finished_by_the_next_run(project: Tiny, database: Database, tmp_path: Path) -> None:
    """Half a set of base tables is no longer empty, and must not be taken for somebody else's."""
    code = """import os
from sqlalchemy import text
def create(connection):
    connection.execute(text("create table documents (id integer auto_increment primary key, name varchar(20))"))
    connection.execute(text("insert into documents (name) values ('a')"))
    connection.execute(text("create table kinds (id integer primary key)"))
    connection.execute(text("insert into documents (name) values ('b')"))
    if os.environ.get("HELD"):
        open(os.environ["HELD"] + ".inside", "w").close()
        open(os.environ["HELD"] + ".go").close()
"""
    (project.folder / "base_of_maria.py").write_text(code, encoding="utf-8")
    project.settings(f'{SETTINGS}[bootstrap]\npython = "base_of_maria:create"\nstamp = "r1"\n')
    project.revision("r1", None, 'raise RuntimeError("the base is never run as a revision")')
    project.revision("r2", "r1", 'op.add_column("documents", sa.Column("kind", sa.String(20)))')
    hold = tmp_path / "hold"
    os.mkfifo(f"{hold}.go")
    process = project.start("upgrade", "dev", HELD=str(hold))
    until(lambda: Path(f"{hold}.inside").exists(), "a bootstrap that runs", process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert database.user_tables() == ["documents", "kinds"] and database.query("select name from documents") == [("a",)]
    project.here("upgrade", "dev", check=0)
    assert database.heads() == ["r2"] and journal(database) == []
    assert database.query("select name from documents order by id") == [("a",), ("b",)]


@pytest.fixture
def reader(database: Database) -> Iterator[Callable[[], None]]:
    """Somebody who reads `users` in an open transaction; calling it ends that."""
    session = pymysql_connection(database.url)
    database.query("create table users (id integer auto_increment primary key, name varchar(50))")
    session.begin()
    with session.cursor() as cursor:
        cursor.execute("select * from users")
    yield session.commit
    session.close()


def test_a_statement_that_cannot_get_its_table_steps_back_and_tries_again(
    project: Tiny, database: Database, reader: Callable[[], None]
) -> None:
    """A waiting ALTER blocks every reader behind it; so it waits a second, and tries again when the reader has ended."""
    project.here("adopt", "dev", check=0, CONFIRM_ENV="dev")
    project.revision("r1", None, 'op.add_column("users", sa.Column("extra", sa.Integer))')
    process: subprocess.Popen[bytes] = project.start("upgrade", "dev", log="waiting")
    until(lambda: "Lock wait timeout exceeded" in project.said("waiting"), "a second try", process)
    reader()
    assert process.wait(120) == 0, project.said("waiting")
    assert database.heads() == ["r1"] and journal(database) == []


def test_a_snapshot_finds_what_somebody_changed_by_hand(project: Tiny, database: Database) -> None:
    """A snapshot that was saved needs no scratch database, which nobody has allowed here."""
    parts = 'op.create_table("parts", sa.Column("id", sa.Integer, primary_key=True), sa.Column("user", sa.Integer, sa.ForeignKey("users.id")))'
    code = "op.execute('create view v as select id from users')\nop.execute('create procedure p(a int) select a')"
    trigger = "op.execute('create trigger t before insert on users for each row set new.name = upper(new.name)')"
    project.revision("r1", None, f"{create_table('users')}\n{parts}\n{code}\n{trigger}\nop.create_index('by_name', 'users', ['name'])")
    project.here("upgrade", "dev", check=0)
    project.here("drift", "dev", "--save", str(project.folder / "snapshot.json"), check=0)
    project.here("drift", "dev", "--against", str(project.folder / "snapshot.json"), check=0)
    for statement in ("alter table users modify name varchar(60)", "drop index by_name on users", "drop view v", "drop procedure p", "drop trigger t"):
        database.query(statement)
    found = project.here("drift", "dev", "--against", str(project.folder / "snapshot.json"), check=1).stdout
    for word in ("users.name", "by_name", "view `v`", "procedure", "trigger"):
        assert word in found
    said = project.here("drift", "dev", check=5).stderr
    assert "code: no-comparison" in said and "no embedded server of this product" in said
    assert "--against FILE" in said and "`scratch = true` into [environments.dev]" in said


def test_drift_runs_the_revisions_beside_the_database_where_that_is_allowed(
    project: Tiny, database: Database, mariadb_server: Maria
) -> None:
    """No embedded server stands in for MariaDB; its own one does, for as long as the comparison takes, with the same character set."""
    database.query("alter database character set latin1 collate latin1_bin")
    project.settings(SETTINGS.replace('protection = "open"\n', 'protection = "open"\nscratch = true\n', 1))
    view = "op.execute('create view v as select id from users')"
    project.revision("r1", None, f"{create_table('users')}\n{view}\nop.create_index('by_name', 'users', ['name'])")
    project.here("upgrade", "dev", check=0)
    before = database.picture()
    assert "no difference" in project.here("drift", "dev", check=0).stdout
    assert database.picture() == before
    database.query("alter table users convert to character set utf8mb4")
    database.query("drop view v")
    found = project.here("drift", "dev", check=1).stdout
    assert "users.name" in found and "view `v`" in found
    project.revision("r1", None, 'op.execute("no such statement")')
    assert "do not run on the scratch database" in project.here("drift", "dev", check=5).stderr
    assert mariadb_server.run("select schema_name from information_schema.schemata where schema_name like 'lockgate%'") == []


def test_databases_for_tests_are_refused_before_one_is_made(project: Tiny, database: Database) -> None:
    """The server cannot copy a database; half a plugin would be found out after the first revision ran."""
    allowed = SETTINGS.replace('protection = "open"\n', 'protection = "open"\nscratch = true\n', 1)
    project.settings(f'{allowed}[tests]\nenvironment = "dev"\n')
    (project.folder / "test_it.py").write_text("def test_it(migrated_database):\n    pass\n", encoding="utf-8")
    done = project.run([*PYTEST, "-q"], {})
    assert "databases for tests are not copied on MariaDB or MySQL yet" in done.stdout
    assert database.tables() == []


def test_a_database_that_is_missing_is_made_on_request(project: Tiny, mariadb_server: Maria) -> None:
    """A new developer has a server and nothing on it."""
    url = mariadb_server.url("made_on_request")
    project.tables("users").point("dev", url)
    assert "code: database-missing" in project.here("upgrade", "dev", check=5).stderr
    try:
        assert "created database `made_on_request`" in project.here("upgrade", "dev", "--create-database", check=0).stderr
        assert Database(url).user_tables() == ["users"]
    finally:
        mariadb_server.drop("made_on_request")


@pytest.mark.parametrize("backend, driver, template", [("mysql", "aiomysql", "async"), ("mariadb", "pymysql", "generic")])
def test_whatever_brings_the_connection_is_journaled(
    project: Tiny, mariadb_url: DatabaseUrl, database: Database, backend: str, driver: str, template: str
) -> None:
    """aiomysql brings it through SQLAlchemy's adapter, `mariadb://` through a dialect of that name: the same gate, the same journal."""
    project.env_py((TEMPLATES / template / "env.py").read_text(encoding="utf-8"))
    project.point("dev", replace(mariadb_url, backend=backend, driver=driver))
    broken(project)
    project.here("upgrade", "dev", check=1)
    broken(project, last="pass")
    project.here("upgrade", "dev", check=0)
    assert database.heads() == ["r2"] and database.query("select count(*) from orders") == [(2,)]
