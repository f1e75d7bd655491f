"""`lint` of a project on SQLite: judged on a file of its own, and told as what it is; and what the files say about the history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from building import INI, SETTINGS, Tiny
from planning import git
from running import up

from lockgate.secret import DatabaseUrl

ORDERS = """op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("total", sa.Integer))
op.execute("create trigger audit after insert on orders begin select 1; end")"""
REQUIRED = 'with op.batch_alter_table("orders") as batch:\n    batch.alter_column("total", nullable=False)'


def linted(project: Tiny, *arguments: str, check: int) -> tuple[dict[str, Any], str]:
    """The document of a call, and what it said beside it."""
    done = project.here("lint", *arguments, "--json", check=check)
    document: dict[str, Any] = json.loads(done.stdout)
    return document, done.stderr


def told(document: dict[str, Any], id: str) -> list[tuple[str, str, str]]:
    """Severity, revision and words of each finding of a hazard."""
    return [(finding["severity"], finding["revision"], finding["what"]) for finding in document["findings"] if finding["id"] == id]


@pytest.mark.parametrize("hint", ["variable", "dotenv", "driver", "tests", "ini"])
def test_a_sqlite_history_is_judged_on_sqlite_whatever_tells_that_it_is_one(project: Tiny, tmp_path: Path, hint: str) -> None:
    """A trigger of SQLite is no SQL for PostgreSQL: replayed there, a sound history is said to be broken."""
    url = f"sqlite:///{tmp_path / 'app.db'}"
    settings = SETTINGS
    if hint == "variable":
        project.environ["DEV_DATABASE_URL"] = url
    elif hint == "dotenv":
        (project.folder / ".env").write_text(f"DATABASE_URL={url}\n", encoding="utf-8")
        settings = SETTINGS.replace('url = { env = "DEV_DATABASE_URL" }', 'url = { dotenv = ".env" }')
    elif hint == "driver":
        settings = SETTINGS.replace("[environments.dev]", '[environments.dev]\ndriver = "pysqlite"')
    elif hint == "tests":
        settings += '[tests]\nserver = "sqlite"\n'
    else:
        (project.folder / "alembic.ini").write_text(INI.replace("driver://user:pass@localhost/dbname", url), encoding="utf-8")
    project.settings(settings).revision("r1", None, ORDERS)
    project.revision("r2", "r1", REQUIRED)
    document, said = linted(project, "r2", check=1)
    assert document["code"] == "plan-findings"
    assert document["effects"]["scratch"].startswith("SQLite")
    assert [words for _, _, words in told(document, "LG305")] == [
        "batch mode does not make the trigger `audit` of `main.orders` again: it is gone without a word"
    ]
    assert "no setting tells" not in said
    assert not (tmp_path / "app.db").exists()


def test_where_nothing_tells_the_product_that_is_said(project: Tiny) -> None:
    """Half a page about a history that does not run on PostgreSQL helps nobody who does not have PostgreSQL."""
    project.revision("r1", None, ORDERS)
    said = project.here("lint", "r1", "--static").stderr
    assert "no setting tells which kind of database the revisions are for, so it is taken to be PostgreSQL" in said
    assert '`driver = "psycopg"`, `"pysqlite"` or `"pymysql"` in [environments.dev] tells it' in said


@pytest.mark.parametrize(("driver", "arguments", "words"), [
    ("pymysql", (), ("there is no embedded server of mysql, and the settings name no other one", 'scratch_url = { env = "BENCH_DATABASE_URL" }')),
    ("pysqlite", ("--static",), ("the SQL of revisions for sqlite cannot be judged without running it",)),
])  # fmt: skip
def test_what_cannot_be_judged_says_what_to_do(project: Tiny, driver: str, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    """Exit 5 and one line to paste: no clean bill, and no riddle."""
    project.settings(SETTINGS.replace("[environments.dev]", f'[environments.dev]\ndriver = "{driver}"')).revision("r1", None, ORDERS)
    said = project.here("lint", *arguments, check=5).stderr
    assert "code: no-plan" in said
    assert all(word in said for word in words)


def test_several_heads_and_edited_revisions_are_told_before_they_are_merged(project: Tiny) -> None:
    """What only shows when the next deployment is refused, or never: here it is one line in the pull request. Who merged it first did nothing wrong."""
    project.settings(SETTINGS + '[tests]\nserver = "sqlite"\n')
    project.revision("r1", None, 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)))')
    project.revision("r2", "r1")
    git(project, "init", ".")
    git(project, "add", "-A")
    git(project, "commit", "-m", "base")
    git(project, "checkout", "-b", "topic")
    project.revision("r3", "r1")
    first = project.folder / "migrations" / "versions" / "r1.py"
    formatted = first.read_text().replace('"users", sa', '\n    "users", sa')
    first.write_text(formatted, encoding="utf-8")
    document, _ = linted(project, "--since", "main", check=0)
    (heads,) = told(document, "LG606")
    assert heads[:2] == ("warning", "r3")
    assert "2 heads, this one and `r2`" in heads[2]
    first.write_text(formatted.replace("50", "60"), encoding="utf-8")
    document, _ = linted(project, "--since", "main", "--fail-on", "LG606", check=1)
    assert [(severity, revision) for severity, revision, _ in told(document, "LG606")] == [("warning", "r1"), ("warning", "r3")]
    assert "was committed to the branch it is compared with" in told(document, "LG606")[0][2]
    project.revision("r2", "r1", labels="left")
    project.revision("r3", "r1", labels="right")
    assert not [row for row in told(linted(project, "r3", check=0)[0], "LG606") if "heads" in row[2]], "lines with labels are never joined"


def test_taste_is_told_to_whoever_asks(project: Tiny) -> None:
    """One flag, in lint as in plan."""
    project.revision("r1", None, ORDERS.splitlines()[0])
    project.revision("r2", "r1", 'op.add_column("orders", sa.Column("name", sa.String(50)))')
    assert told(linted(project, "r2", "--static", check=0)[0], "LG703") == []
    found = told(linted(project, "r2", "--static", "--style", check=0)[0], "LG703")
    assert [words.split("`")[1] for _, _, words in found] == ["orders.name"]


def test_a_plan_tells_what_upgrade_will_refuse_and_what_goes_beside(project: Tiny, tmp_path: Path, sqlite_url: DatabaseUrl) -> None:
    """An edited revision stops the deployment at the last moment; the plan is read before."""
    staging = DatabaseUrl("sqlite", database=str(tmp_path / "staging.db"))
    project.tables("users", "orders").point("staging", staging).point("dev", sqlite_url)
    up(project)
    project.here("adopt", "staging", check=0, CONFIRM_ENV="staging")
    project.here("upgrade", "staging", check=0, CONFIRM_ENV="staging")
    project.revision("r3", "r1", 'op.create_table("notes", sa.Column("id", sa.Integer))', 'op.drop_table("notes")')
    project.revision("r4", ("r2", "r3"))
    path = project.folder / "migrations" / "versions" / "r2.py"
    path.write_text(path.read_text().replace("sa.String(50)", "sa.String(60)"), encoding="utf-8")
    found = {name: json.loads(project.here("plan", name, "--json", check=0).stdout) for name in ("staging", "dev")}
    assert [row[:2] for row in told(found["staging"], "LG606")] == [("error", "r2"), ("note", "r3")]
    assert "was applied to `staging`: `upgrade` refuses to go on" in told(found["staging"], "LG606")[0][2]
    assert [row[:2] for row in told(found["dev"], "LG606")] == [("warning", "r2"), ("note", "r3")]
    assert "does not follow `r2`" in told(found["dev"], "LG606")[1][2]
    assert "revision-edited" in project.here("upgrade", "staging", check=3, CONFIRM_ENV="staging").stderr


def test_a_terminal_sees_how_far_it_is_and_a_log_does_not(project: Tiny) -> None:
    """A long history takes minutes; a log with a line for each revision hides what was found."""
    project.settings(SETTINGS + '[tests]\nserver = "sqlite"\n').tables("users", "orders")
    shown = project.at_a_terminal("lint")
    assert "tracing the upgrade of r1" in shown
    assert "0/2" in shown
    piped = project.here("lint", check=0)
    assert "tracing the" not in piped.stderr + piped.stdout
