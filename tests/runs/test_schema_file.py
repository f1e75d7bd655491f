"""From empty to head by the schema file: equal to the revisions, refused when it is not theirs, whole or not at all."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from building import Database, Tiny, create_table, until
from schemas import EVERYTHING

from lockgate.runs.test_databases import TestDatabases, Wish
from lockgate.secret import DatabaseUrl

FILES = {"postgresql": "schema.postgresql.sql", "sqlite": "schema.sqlite.sql"}
ROWS = """op.execute("insert into kinds (id, name) values (7, 'it''s'), (9, ';' || char(10) || '--')")"""


def history(project: Tiny, url: DatabaseUrl) -> Path:
    """A history with rows, and the place of its schema file; the text of the row differs by product alone."""
    project.revision("r1", None, create_table("kinds"))
    project.revision("r2", "r1", ROWS.replace("char(", "chr(") if url.backend == "postgresql" else ROWS)
    project.revision("r3", "r2", 'op.add_column("kinds", sa.Column("note", sa.Text, server_default="none"))').touch()
    project.point("dev", url)
    return project.folder / "migrations" / FILES[url.backend]


def make(project: Tiny, url: DatabaseUrl) -> None:
    """Make the schema file."""
    project.here("snapshot", "--sql", "--product", url.backend, check=0)


def test_a_loaded_database_goes_on_like_any_other(project: Tiny, database_url: DatabaseUrl) -> None:
    """It has the rows, says honestly how it came to be, notices edits, and takes the next revision."""
    file, database = history(project, database_url), Database(database_url)
    make(project, database_url)
    first = file.read_text(encoding="utf-8")
    done = project.here("upgrade", "dev", "--from-snapshot", check=0)
    assert "instead of running 3 revisions" in done.stderr
    assert database.heads() == ["r3"]
    assert database.query("select id, name, note from kinds order by id") == [(7, "it's", "none"), (9, ";\n--", "none")]
    assert [row[1:3] for row in database.ledger() if row[1] != "adopted"] == [("loaded", "r1"), ("loaded", "r2"), ("loaded", "r3")]
    assert database.applied() == []
    refused = project.here("upgrade", "dev", "--from-snapshot", check=3)
    assert "code: not-empty" in refused.stderr
    project.revision("r4", "r3", create_table("later"))
    project.here("upgrade", "dev", check=0)
    assert database.applied() == ["r4"]
    project.here("history", "dev", "--verify", check=0)
    assert "edited" not in project.here("status", "dev", check=0).stdout
    project.revision("r1", None, create_table("kinds") + "\nop.execute('select 1')")
    assert "`r1`" in project.here("upgrade", "dev", check=0).stderr
    project.revision("r1", None, create_table("kinds"))
    make(project, database_url)
    assert file.read_text(encoding="utf-8") != first


def test_a_file_that_is_not_the_revisions_is_refused(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """Whatever changed, the revisions or the file: nothing is written, and `--check` tells CI."""
    file, database = history(project, sqlite_url), Database(sqlite_url)
    missing = project.here("upgrade", "dev", "--from-snapshot", check=1)
    assert "code: schema-stale" in missing.stderr
    make(project, sqlite_url)
    whole = file.read_text(encoding="utf-8")
    project.here("snapshot", "--sql", "--check", "--product", "sqlite", check=0)
    revision = project.folder / "migrations" / "versions" / "r3.py"
    source = revision.read_text(encoding="utf-8")

    def refused(what: str) -> None:
        for arguments in (("upgrade", "dev", "--from-snapshot"), ("snapshot", "--sql", "--check", "--product", "sqlite")):
            done = project.here(*arguments, check=1)
            assert "code: schema-stale" in done.stderr
            assert what in done.stderr
            assert "changed: nothing" in done.stderr
        assert database.user_tables() == []

    revision.write_text(source.replace('"none"', '"nine"'), encoding="utf-8")
    refused("the revisions do something else")
    revision.write_text(source, encoding="utf-8")
    file.write_text(whole.replace("it''s", "it''t"), encoding="utf-8")
    refused("was edited")
    file.write_text(whole, encoding="utf-8")
    project.revision("r4", "r3", create_table("later"))
    refused("the head is r4")
    assert "code: usage" in project.here("upgrade", "dev", "r1", "--from-snapshot", check=2).stderr


def test_the_gate_stands_before_the_schema_file(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """Loading is no way around protection: an unmarked database of a guarded environment stays as it is."""
    history(project, sqlite_url)
    make(project, sqlite_url)
    project.point("staging", sqlite_url)
    refused = project.here("upgrade", "staging", "--from-snapshot", check=3)
    assert "changed: nothing" in refused.stderr
    assert Database(sqlite_url).tables() == []


def test_everything_that_a_schema_can_hold_is_kept(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """The proof is a comparison of schema, rows and sequences; drift finds nothing, and the session keeps its search_path."""
    text = EVERYTHING + "select nextval('ticket'); insert into teams (name) values ('one');"
    project.revision("r1", None, f"op.execute({text!r})").touch()
    project.point("dev", postgres_url)
    make(project, postgres_url)
    project.here("upgrade", "dev", "--from-snapshot", check=0)
    database = Database(postgres_url)
    assert database.query("select last_value, is_called from ticket") == [(1, True)]
    assert database.query("insert into teams (name) values ('two') returning id") == [(2,)]
    project.revision("r2", "r1", create_table("later"))
    project.here("upgrade", "dev", check=0)
    assert "later" in database.tables()
    project.here("drift", "dev", check=0)


def test_a_killed_load_leaves_nothing(project: Tiny, sqlite_url: DatabaseUrl, make_postgres_database: object) -> None:
    """Schema, version row and ledger rows are one transaction; what is left is a database that can be loaded again."""
    url: DatabaseUrl = make_postgres_database()  # type: ignore[operator]
    database = Database(url)
    file = history(project, url)
    slow = project.revision("r4", "r3", "op.execute(\"create function slow() returns int language sql as 'select 1'\")")
    assert slow.exists()
    make(project, url)
    # A body that waits in the middle, and still has the right hash.
    from lockgate.files import graph_of, load_project
    from lockgate.graph import SchemaFile, read_schema_file

    good = read_schema_file(file.name, file.read_text(encoding="utf-8"), graph_of(load_project(project.folder)))
    held = SchemaFile(good.name, good.server, good.heads, good.revisions, f"{good.body}\nselect pg_sleep(600);\n")
    file.write_text(held.text, encoding="utf-8")
    running = project.start("upgrade", "dev", "--from-snapshot", log="held")
    sleeping = "select 1 from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
    until(lambda: database.query(sleeping), "the load waits in its middle", running, seconds=120)
    running.send_signal(signal.SIGKILL)
    running.wait()
    database.query(f"select pg_terminate_backend(pid) from ({sleeping.replace('select 1', 'select pid')}) as left_over")
    locks = (
        "select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
    )
    until(lambda: not database.query(locks), "the killed session is gone", seconds=120)
    assert database.user_tables() == []
    assert database.heads() == []
    file.write_text(good.text, encoding="utf-8")
    project.here("upgrade", "dev", "--from-snapshot", check=0)
    assert database.heads() == ["r4"]


@pytest.mark.parametrize("server", ["sqlite", "embedded"])
def test_databases_of_tests_are_loaded_from_it(project: Tiny, server: str) -> None:
    """The speed-up asks for nothing but the file, and a stale one costs no more than its advantage."""
    with (project.folder / "lockgate.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'[tests]\nserver = "{server}"\n')
    product = "sqlite" if server == "sqlite" else "postgresql"
    history(project, DatabaseUrl(product))
    project.here("snapshot", "--sql", check=0)
    for expected in ("loaded", "applied"):
        databases = TestDatabases(Wish(project.folder, {}))
        try:
            lease = databases.take(databases.template())
            outcomes = [row[1] for row in Database(databases.scratch(lease).url).ledger() if row[2]]
            assert set(outcomes) == {expected}
            assert len(Database(databases.scratch(lease).url).query("select id from kinds")) == 2
            databases.give(lease, drop=True)
        finally:
            databases.close()
        project.revision("r4", "r3", create_table("later"))
