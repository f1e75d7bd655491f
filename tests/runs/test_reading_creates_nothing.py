"""`env`, `status`, `history`, `smoke`, `drift` and `url --check` look at a database, and leave it exactly as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from building import MYSQL, SETTINGS, Database, Tiny
from guarded import closed_port

import lockgate
from lockgate.secret import DatabaseUrl

READING = (
    ("env",),
    ("status",),
    ("status", "dev", "--check"),
    ("history", "dev"),
    ("smoke", "dev"),
    ("drift", "dev", "--against", "models"),
    ("url", "dev", "--check"),
    ("url", "dev"),
)
QUESTIONS = '\n[smoke]\ntables = ["users"]\nqueries = [{ sql = "select count(*) from users", at_least = 0 }]\n'
_OBJECTS = (
    "select n.nspname, c.relname, c.relkind::text from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^pg_'",
    "select nspname from pg_namespace where nspname !~ '^pg_'",
    "select proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname !~ '^(pg_|information)'",
)

_MARIA_OBJECTS = (
    "select table_name, table_type from information_schema.tables where table_schema = database()",
    "select routine_name from information_schema.routines where routine_schema = database()",
)


def empty(project: Tiny, url: DatabaseUrl) -> None:
    """Nothing was ever done to the database; a SQLite file is there, without a table."""
    if url.backend == "sqlite":
        Database(url).query("pragma user_version = 1")


def foreign(project: Tiny, url: DatabaseUrl) -> None:
    """Somebody's tables, and no marker."""
    Database(url).query("create table users (id integer primary key)")
    Database(url).query("insert into users values (1)")


def stamped(project: Tiny, url: DatabaseUrl) -> None:
    """Plain Alembic was here, lockgate never."""
    foreign(project, url)
    Database(url).query("create table alembic_version (version_num varchar(32))")
    Database(url).query("insert into alembic_version values ('r1')")


def marked(project: Tiny, url: DatabaseUrl) -> None:
    """lockgate was here, and one revision is pending."""
    project.here("upgrade", "dev", "r1", check=0)


def other(project: Tiny, url: DatabaseUrl) -> None:
    """The database of another environment, reached under the wrong name."""
    project.point("test", url).here("upgrade", "test", check=0)
    del project.environ["TEST_DATABASE_URL"]


def everything(url: DatabaseUrl) -> tuple[Any, ...]:
    """All tables with their rows, and all other objects of the catalog."""
    database = Database(url)
    if url.backend == "sqlite":
        return (Path(url.database).read_bytes(), sorted(path.name for path in Path(url.database).parent.iterdir()))
    return (database.picture(), *(sorted(database.query(sql)) for sql in (_MARIA_OBJECTS if url.backend in MYSQL else _OBJECTS)))


@pytest.fixture
def two(project: Tiny, database_url: DatabaseUrl) -> Tiny:
    """Two revisions, smoke queries, and `dev` at the database."""
    return project.tables("users", "orders").settings(SETTINGS + QUESTIONS).point("dev", database_url)


@pytest.mark.parametrize("state", [empty, foreign, stamped, marked, other], ids=lambda state: state.__name__)
def test_looking_leaves_a_database_as_it_was(two: Tiny, database_url: DatabaseUrl, state: Callable[[Tiny, DatabaseUrl], None]) -> None:
    """No version table, no registry, no marker, no row: looks are made at production, by people who may not change it."""
    state(two, database_url)
    before = everything(database_url)
    for words in READING:
        done = two.here(*words)
        assert done.returncode in (0, 1, 3, 5), done.stderr
        assert everything(database_url) == before, words


def test_looking_makes_no_sqlite_file(project: Tiny, sqlite_url: DatabaseUrl, tmp_path: Path) -> None:
    """A file of 0 bytes would look like a database from then on."""
    project.tables("users").settings(SETTINGS + QUESTIONS).point("dev", sqlite_url)
    before = sorted(tmp_path.iterdir())
    said = [project.lockgate(*words) for words in READING]
    assert [done.returncode for done in said] == [0, 0, 1, 0, 1, 5, 0, 0]
    assert "unmarked, empty" in said[1].stdout
    assert sorted(tmp_path.iterdir()) == before


def test_looking_through_json_makes_nothing_either(two: Tiny, database_url: DatabaseUrl) -> None:
    """The way that monitoring looks, every minute."""
    two.here("upgrade", "dev", "r1", check=0)
    before = everything(database_url)
    for words in READING:
        assert json.loads(two.here(*words, "--json").stdout)["exit"] in (0, 1, 5)
    assert everything(database_url) == before


def test_plain_looks_of_alembic_create_nothing(two: Tiny, database_url: DatabaseUrl) -> None:
    """`alembic current` is what people type first; on an unmarked database it must not leave a version table."""
    foreign(two, database_url)
    ini = two.folder / "alembic.ini"
    ini.write_text(ini.read_text().replace("driver://user:pass@localhost/dbname", database_url.render().reveal().replace("%", "%%")))
    before = everything(database_url)
    for word in ("current", "history", "check"):
        two.alembic(word)
    assert everything(database_url) == before


# status where some environments cannot be seen


def rows(done: Any) -> dict[str, dict[str, Any]]:
    """The environments of a JSON document by name."""
    return {row["name"]: row for row in json.loads(done.stdout)["environments"]}


def test_status_shows_what_it_can_see_and_says_why_it_cannot_see_the_rest(two: Tiny, database_url: DatabaseUrl, tmp_path: Path) -> None:
    """Somebody's laptop reaches `dev` and never `prod`: the table must be of use all the same."""
    marked(two, database_url)
    two.point("staging", DatabaseUrl("sqlite", database=str(tmp_path / "gone" / "app.db")))
    with closed_port() as port:
        two.environ["PROD_DATABASE_URL"] = f"postgresql://leo:Sp4rrow@127.0.0.1:{port}/app"
        done = two.lockgate("status", check=0)
        found = rows(two.here("status", "--json", check=0))
    dev = next(line for line in done.stdout.splitlines() if line.startswith("dev (default)"))
    assert re.search(r" dev +r1 +1 +no ", dev)
    assert [line.split()[0] for line in done.stdout.splitlines() if " cannot be seen  " in line + "  " and ":" not in line] == [
        "test",
        "staging",
        "prod",
    ]
    assert "test cannot be seen: the variable `TEST_DATABASE_URL` is not set (docs/errors/variable-missing.md)" in done.stdout
    assert "staging cannot be seen: the folder of this SQLite file does not exist (docs/errors/unreachable.md)" in done.stdout
    assert re.search(r"^prod cannot be seen: cannot connect: .+ \(docs/errors/unreachable.md\)$", done.stdout, re.MULTILINE)
    assert "Sp4rrow" not in done.stdout + done.stderr
    assert {name: row["error_code"] for name, row in found.items()} == {
        "dev": "",
        "test": "variable-missing",
        "staging": "unreachable",
        "prod": "unreachable",
    }
    assert (found["dev"]["pending"], found["dev"]["says"]) == (1, "dev")


def test_check_says_by_its_exit_status_what_was_found(two: Tiny, database_url: DatabaseUrl) -> None:
    """0 up to date, 1 pending, 3 another environment's, 5 (or the error's own) cannot be seen."""
    check = ("status", "dev", "--check")
    marked(two, database_url)
    assert two.here(*check).returncode == 1
    two.here("upgrade", "dev", check=0)
    assert two.here(*check).returncode == 0
    assert two.here("status", "test", "--check", TEST_DATABASE_URL=database_url.render().reveal()).returncode == 3
    with closed_port() as port:
        assert two.here("status", "test", "--check", TEST_DATABASE_URL=f"postgresql://leo@127.0.0.1:{port}/app").returncode == 5
    assert two.here("status", "test", "--check").returncode == 2


def test_check_of_several_reports_the_worst(two: Tiny, database_url: DatabaseUrl, tmp_path: Path) -> None:
    """A wrong database is worse than a pending revision, and that is worse than one that cannot be seen."""
    marked(two, database_url)
    missing = f"sqlite:///{tmp_path}/gone/app.db"
    pending = two.here("status", "dev", "test", "--check", "--json", TEST_DATABASE_URL=missing)
    assert (pending.returncode, json.loads(pending.stdout)["code"]) == (1, "pending")
    swapped = two.here("status", "--check", "--json", TEST_DATABASE_URL=database_url.render().reveal())
    assert (swapped.returncode, json.loads(swapped.stdout)["code"]) == (3, "identity-mismatch")


def test_a_database_that_is_ahead_is_not_up_to_date(two: Tiny, database_url: DatabaseUrl) -> None:
    """Nothing is pending there, and yet the code does not fit."""
    two.here("upgrade", "dev", check=0)
    (two.folder / "migrations" / "versions" / "r2.py").unlink()
    done = two.here("status", "dev", "--check", check=1)
    assert "unknown here: r2" in done.stdout


def test_python_gets_the_url_that_the_command_line_prints(two: Tiny, database_url: DatabaseUrl) -> None:
    """An application that asks here cannot be at another database than its migrations."""
    printed = two.here("url", "dev", check=0).stdout.strip()
    assert lockgate.url(lockgate.load_project(two.folder), "dev", environ=two.environ) == printed
    with pytest.raises(lockgate.UsageError, match="there is no environment `nowhere`"):
        lockgate.url(lockgate.load_project(two.folder), "nowhere", environ=two.environ)


def test_url_check_ends_like_the_error_that_it_found(two: Tiny, database_url: DatabaseUrl) -> None:
    """Scripts ask before they begin."""
    assert "it says: unmarked, empty" in two.here("url", "dev", "--check", check=0).stdout
    two.here("upgrade", "dev", check=0)
    assert "it says: dev" in two.here("url", "dev", "--check", check=0).stdout
    said = two.here("url", "test", "--check", check=3, TEST_DATABASE_URL=database_url.render().reveal()).stderr
    assert "code: identity-mismatch" in said
    with closed_port() as port:
        said = two.here("url", "test", "--check", check=5, TEST_DATABASE_URL=f"postgresql://leo@127.0.0.1:{port}/app").stderr
    assert "code: unreachable" in said and f"127.0.0.1:{port}/app" in said and "lockgate.toml:" in said


# smoke


def asking(project: Tiny, *queries: str) -> Tiny:
    """Let the settings ask these questions, each for at least 1."""
    lines = ", ".join(f"{{ sql = {json.dumps(sql)}, at_least = 1 }}" for sql in queries)
    return project.settings(f"{SETTINGS}\n[smoke]\nqueries = [{lines}]\n")


def test_a_wrong_answer_fails_the_smoke_check_and_names_the_question(two: Tiny, database_url: DatabaseUrl) -> None:
    """Exit 1, and nothing else has to be read to know what is wrong."""
    two.here("upgrade", "dev", check=0)
    asking(two, "select count(*) from users", "select 1", "select count(*) from nowhere")
    before = everything(database_url)
    done = two.here("smoke", "dev", check=1)
    assert "BAD select count(*) from users: expected at least 1, found 0" in done.stdout
    assert "ok  select 1: expected at least 1, found 1" in done.stdout
    assert "BAD select count(*) from nowhere: expected at least 1, found error: " in done.stdout
    assert "2 of 5 answers are not as expected" in done.stderr
    assert "code: smoke-failed" in done.stderr and "changed: nothing" in done.stderr
    assert everything(database_url) == before


WRITING = (
    "insert into users (id) values (1)",
    "delete from users",
    "drop table users",
    "create table more (id integer)",
    "insert into users (id) values (2) returning 1",
)


@pytest.mark.parametrize("sql", WRITING)
def test_a_smoke_query_that_writes_is_refused_by_the_database(two: Tiny, database_url: DatabaseUrl, sql: str) -> None:
    """A question is asked on production, by a verb that anybody may call."""
    two.here("upgrade", "dev", check=0)
    Database(database_url).query("insert into users (id) values (7)")
    before = everything(database_url)
    done = asking(two, sql, "select 1").here("smoke", "dev", check=1)
    assert re.search(rf"BAD {re.escape(sql)}: expected at least 1, found error: .*(?i:read[- ]?only)", done.stdout)
    assert "ok  select 1" in done.stdout
    assert everything(database_url) == before


ESCAPING = (
    "commit; insert into users (id) values (1)",
    "rollback; begin read write; drop table users; commit; select 1",
    "set transaction read write; insert into users (id) values (1) returning 1",
    "select 1; commit; set session characteristics as transaction read write",
)


@pytest.mark.parametrize("sql", ESCAPING)
def test_a_smoke_query_cannot_leave_its_read_only_transaction(project: Tiny, postgres_url: DatabaseUrl, sql: str) -> None:
    """One statement is one question; what stands behind a semicolon is refused before the first part runs."""
    project.tables("users").point("dev", postgres_url).here("upgrade", "dev", check=0)
    before = everything(postgres_url)
    done = asking(project, sql).here("smoke", "dev", check=1)
    assert "found error: " in done.stdout
    assert everything(postgres_url) == before


def test_a_smoke_query_that_hangs_is_ended(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """A question must not hold up a deployment for ever."""
    project.tables("users").point("dev", postgres_url).here("upgrade", "dev", check=0)
    text = f'{SETTINGS}\n[smoke]\ntimeout = 0.2\nqueries = [{{ sql = "select count(*) from pg_sleep(60)", at_least = 1 }}]\n'
    assert "statement timeout" in project.settings(text).here("smoke", "dev", check=1).stdout
