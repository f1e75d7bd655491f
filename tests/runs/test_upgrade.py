"""`upgrade`, whole, on both databases."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from building import SETTINGS, Database, Tiny, create_table
from running import up

from lockgate.secret import DatabaseUrl, Secret
from lockgate.version import __version__

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def breaking(project: Tiny) -> Path:
    """Three revisions; the second makes a table and then fails. Returns its file."""
    project.tables("users", "orders", "items")
    return project.revision("r2", "r1", create_table("orders") + '\nop.execute("insert into nowhere values (1)")')


def entries(project: Tiny, environment: str = "dev") -> list[dict[str, Any]]:
    """The ledger as `history --json` tells it, newest first."""
    found: list[dict[str, Any]] = json.loads(project.here("history", environment, "--json", check=0).stdout)["entries"]
    return found


def test_an_empty_database_is_brought_to_head_with_one_ledger_row_per_revision(project: Tiny, database_url: DatabaseUrl) -> None:
    """The main job."""
    project.tables("users", "orders").point("dev", database_url)
    project.lockgate("upgrade", "dev", check=0)
    database = Database(database_url)
    assert database.user_tables() == ["orders", "users"]
    assert database.heads() == ["r2"]
    assert database.applied() == ["r1", "r2"]


def test_a_second_upgrade_has_nothing_to_do_and_writes_nothing(project: Tiny, database_url: DatabaseUrl) -> None:
    """Deployments run it every time."""
    project.tables("users").point("dev", database_url)
    project.lockgate("upgrade", "dev", check=0)
    before = Database(database_url).picture()
    assert "nothing to do" in project.lockgate("upgrade", "dev", check=0).stdout
    assert Database(database_url).picture() == before


@pytest.mark.not_on_mariadb("DDL commits by itself")
def test_a_failing_revision_leaves_no_trace_and_the_earlier_ones_stay(project: Tiny, database_url: DatabaseUrl) -> None:
    """A half applied revision is what makes people repair production by hand, at night."""
    breaking(project)
    project.point("dev", database_url).here("upgrade", "dev", check=1)
    database = Database(database_url)
    assert database.user_tables() == ["users"]
    assert database.heads() == ["r1"]
    assert database.applied() == ["r1"]


def test_the_message_of_a_failure_names_revision_file_statement_and_what_was_committed(project: Tiny, database_url: DatabaseUrl) -> None:
    """Whoever reads it in a CI log has nothing else."""
    file = breaking(project)
    line = next(number for number, text in enumerate(file.read_text().splitlines(), 1) if "nowhere" in text)
    said = project.point("dev", database_url).here("upgrade", "dev", check=1).stderr
    assert "error: revision `r2` failed: " in said
    assert f"r2.py:{line}" in said
    assert "statement: insert into nowhere values (1)" in said
    assert "changed: applied `r1`" in said
    assert "code: revision-failed" in said


def test_after_mending_the_file_a_rerun_continues_and_reaches_head(project: Tiny, database_url: DatabaseUrl) -> None:
    """There is no dirty state that a human must clear first."""
    breaking(project)
    project.point("dev", database_url).here("upgrade", "dev", check=1)
    project.revision("r2", "r1", create_table("orders"))
    project.here("upgrade", "dev", check=0)
    database = Database(database_url)
    assert database.user_tables() == ["items", "orders", "users"]
    assert database.heads() == ["r3"]
    assert database.applied() == ["r1", "r2", "r3"]


def test_a_failure_is_in_the_ledger_with_its_revision_and_its_error(project: Tiny, database_url: DatabaseUrl) -> None:
    """The terminal in which it happened is closed; the ledger is not."""
    breaking(project)
    project.point("dev", database_url).here("upgrade", "dev", check=1)
    verb, outcome, revision, error = Database(database_url).ledger()[-1]
    assert (verb, outcome, revision) == ("upgrade", "failed", "r2")
    assert "nowhere" in error


def test_a_relative_target_applies_that_many_revisions(project: Tiny, database_url: DatabaseUrl) -> None:
    """`+1` is how a careful operator goes through a long history."""
    project.tables("users", "orders", "items").point("dev", database_url)
    project.here("upgrade", "dev", "+1", check=0)
    assert Database(database_url).heads() == ["r1"]
    project.here("upgrade", "dev", "+1", check=0)
    assert Database(database_url).heads() == ["r2"]
    assert Database(database_url).user_tables() == ["orders", "users"]


def test_short_of_head_the_smoke_questions_of_the_settings_wait(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """They are about the head: asked on the way they would say that a good step failed."""
    project.tables("users", "orders").point("dev", sqlite_url)
    project.settings(SETTINGS + '[smoke]\ntables = ["orders"]\nqueries = [{ sql = "select count(*) from orders", equals = 1 }]\n')
    steps = [json.loads(project.here("upgrade", "dev", "+1", "--json", check=status).stdout) for status in (0, 1)]
    asked = [[answer["question"] for answer in step["smoke"]] for step in steps]
    assert asked == [["revision"], ["revision", "table orders", "select count(*) from orders"]]
    assert steps[1]["code"] == "smoke-failed"


@pytest.mark.parametrize("verb", [("upgrade", "dev"), ("history", "dev"), ("status", "dev"), ("reset", "dev")])
def test_nothing_written_to_a_pipe_has_escape_codes(project: Tiny, sqlite_url: DatabaseUrl, verb: tuple[str, ...]) -> None:
    """Logs of CI systems and `grep` see what is written as it is."""
    project.tables("users").point("dev", sqlite_url)
    done = project.lockgate(*verb, TERM="xterm-256color")
    assert "\x1b" not in done.stdout + done.stderr


def test_no_color_takes_the_colours_out_at_a_terminal(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """no-color.org: the variable counts where it is set and not empty; without it a terminal gets colours."""
    project.tables("users").point("dev", sqlite_url)
    assert COLOUR.search(project.at_a_terminal("reset", "dev", typed="\n"))
    for arguments in (("reset", "dev"), ("upgrade", "dev"), ("history", "dev")):
        assert not COLOUR.search(project.at_a_terminal(*arguments, typed="\n", NO_COLOR="1"))


def test_json_is_one_document_with_every_step(project: Tiny, database_url: DatabaseUrl) -> None:
    """Scripts read this and nothing else."""
    project.tables("users", "orders").point("dev", database_url)
    document = json.loads(project.lockgate("upgrade", "dev", "--json", check=0).stdout)
    assert (document["ok"], document["code"], document["exit"], document["verb"]) == (True, "", 0, "upgrade")
    assert (document["from_heads"], document["to_heads"]) == ([], ["r2"])
    assert [item["step"]["revision"] for item in document["steps"]] == ["r1", "r2"]
    assert all(item["duration_ms"] >= 0 for item in document["steps"])
    assert document["changed"] == ["applied `r1`, `r2`"]


@pytest.mark.not_on_mariadb("DDL commits by itself")
def test_json_of_a_failure_carries_the_same_fields_as_the_message(project: Tiny, database_url: DatabaseUrl) -> None:
    """What was committed before the failure is data, too."""
    breaking(project)
    document = json.loads(project.point("dev", database_url).here("upgrade", "dev", "--json", check=1).stdout)
    assert (document["ok"], document["code"], document["exit"]) == (False, "revision-failed", 1)
    assert document["changed"] == ["applied `r1`"]
    assert "r2" in document["what"] and "r2.py" in document["where"] and document["hint"]


def test_a_run_says_how_long_each_revision_took(project: Tiny, database_url: DatabaseUrl) -> None:
    """The next window of maintenance is planned with these numbers."""
    project.tables("users").point("dev", database_url)
    done = project.here("upgrade", "dev", check=0)
    assert re.search(r"applied r1 create users \(\d+(\.\d)? m?s\)", done.stderr)
    assert re.search(r"applied: r1 \(1 revision, \d+(\.\d)? m?s\)", done.stdout)


def test_history_is_newest_first(project: Tiny, database_url: DatabaseUrl) -> None:
    """What happened last is what people look for."""
    project.tables("users", "orders").point("dev", database_url).here("upgrade", "dev", check=0)
    ids = [entry["id"] for entry in entries(project)]
    assert ids == sorted(ids, reverse=True)
    assert [entry["revision"] for entry in entries(project) if entry["outcome"] == "applied"] == ["r2", "r1"]
    lines = project.here("history", "dev", check=0).stdout.splitlines()
    assert next(n for n, line in enumerate(lines) if "r1 -> r2" in line) < next(n for n, line in enumerate(lines) if "base -> r1" in line)


def test_the_ledger_keeps_who_ran_what_from_where_with_which_code(project: Tiny, database_url: DatabaseUrl) -> None:
    """A year later somebody asks which deployment made this column."""
    project.tables("users").point("dev", database_url)
    author = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for command in (("init", "-q"), ("add", "."), (*author, "commit", "-q", "-m", "first")):
        assert project.run(["git", *command], {}).returncode == 0
    commit = project.run(["git", "rev-parse", "HEAD"], {}).stdout.strip()
    project.here("upgrade", "dev", check=0, GITHUB_RUN_ID="4711")
    entry = next(entry for entry in entries(project) if entry["outcome"] == "applied")
    assert (entry["verb"], entry["environment"], entry["revision"]) == ("upgrade", "dev", "r1")
    assert (entry["from_heads"], entry["to_heads"]) == ([], ["r1"])
    assert entry["duration_ms"] >= 0
    assert re.fullmatch(r"[^@\s]+@\S+", entry["operator"])
    assert "4711" in entry["ci_job"]
    assert entry["lockgate"] == __version__
    assert entry["git_commit"] == commit
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry["at"])


def test_an_error_that_quotes_the_password_is_told_and_kept_without_it(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """Drivers and settings objects put whole URLs into their errors; logs and ledgers are read by many."""
    password = "t0p/secret%word"
    url = replace(postgres_url, username="postgres", password=Secret(password))
    project.point("dev", url)
    project.revision("r1", None, f"raise RuntimeError({f'cannot reach {url.render().reveal()} with {password}'!r})")
    done = project.here("upgrade", "dev", check=1)
    told = done.stdout + done.stderr + repr(Database(postgres_url).picture())
    assert "RuntimeError: cannot reach" in told
    assert password not in told and url.render().reveal() not in told and "t0p%2Fsecret" not in told


def test_nothing_to_do_is_found_out_without_alembic_and_sqlalchemy(project: Tiny, database_url: DatabaseUrl) -> None:
    """Deployments and health checks call it all the time; the imports would cost more than the look."""
    project.tables("users").point("dev", database_url)
    project.lockgate("upgrade", "dev", check=0)
    code = (
        "import sys\nfrom lockgate.cli.main import main\ntry:\n    main(['upgrade', 'dev'])\nexcept SystemExit as done:\n    assert not done.code\n"
        "print(sorted({'alembic', 'sqlalchemy', 'boto3', 'rich'} & set(sys.modules)))"
    )
    done = project.run([sys.executable, "-c", code], {})
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_version_rows_that_a_revision_writes_by_itself_are_written(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """Alembic's write of the run's own row is held back until the ledger's is written; those of another history are none of it."""
    project.tables("first").point("dev", postgres_url)
    up(project)
    database = Database(postgres_url)
    for statement in ("create table other_version (version_num varchar(32) primary key)", "insert into other_version values ('r1')"):
        database.query(statement)
    other = 'MigrationContext.configure(op.get_bind(), opts={"version_table": "other_version"})'
    lines = f"from alembic.migration import MigrationContext\n{other}.stamp(op.get_context().environment_context.script, 'r2')"
    project.revision("r2", "r1", lines)
    up(project)
    assert database.query("select * from other_version") == [("r2",)]
    assert database.heads() == ["r2"]


def test_a_version_table_with_rules_or_an_odd_name_is_written_as_alembic_writes_it(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """PostgreSQL refuses a rule within WITH, and drivers read parameters into a name."""
    project.tables("first", "second", "third").point("dev", postgres_url)
    env = (project.folder / "migrations" / "env.py").read_text()
    assert "connection=connection" in env
    project.env_py(env.replace("connection=connection", "connection=connection, version_table='a :b'"))
    up(project, "r1")
    database = Database(postgres_url)
    database.query("create table seen (version text)")
    database.query("create rule told as on update to \"a :b\" do also insert into seen values (new.version_num)")
    up(project)
    assert database.query('select version_num from "a :b"') == [("r3",)]
    assert database.query("select version from seen order by version") == [("r2",), ("r3",)]
