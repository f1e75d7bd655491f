"""`upgrade --seed`, and what `status` and `history` say of seeds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from building import SETTINGS, Database, Tiny

import lockgate
from lockgate.secret import DatabaseUrl
from lockgate.seeds.outcome import SeededUpgrade

KINDS = 'op.create_table("kinds", sa.Column("code", sa.String(20), primary_key=True), sa.Column("label", sa.String(50)))'
KINDS_SEED = 'name = "kinds"\nfile = "seeds/kinds.csv"\nenvironments = ["dev", "test"]'
DEMO_SEED = 'name = "demo"\nfile = "seeds/demo.sql"\nenvironments = ["dev"]'
DEMO = "insert into kinds (code, label) values ('demo', 'for looking at') on conflict (code) do nothing;\n"


def project_with(project: Tiny, url: DatabaseUrl, *seeds: str, more: str = "") -> Database:
    """A project with one revision, two seed files and these `[[seeds]]`; nothing is applied yet."""
    project.settings(SETTINGS + more + "".join(f"\n[[seeds]]\n{seed}\n" for seed in seeds))
    project.revision("r1", None, KINDS, 'op.drop_table("kinds")')
    write(project, "kinds.csv", "code,label\na,Alpha\nb,Beta\n")
    write(project, "demo.sql", DEMO)
    project.point("dev", url)
    return Database(url)


def write(project: Tiny, name: str, text: str) -> Path:
    """Write a file of seeds."""
    path = project.folder / "seeds" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def states(project: Tiny) -> dict[str, str]:
    """What `status` says of the seeds of dev."""
    row = document(project, "status", "dev")["environments"][0]
    return {seed["name"]: seed["state"] for seed in row["seeds"]}


def document(project: Tiny, *arguments: str, check: int = 0, **variables: str) -> dict[str, Any]:
    """The one document of `--json`."""
    answer: dict[str, Any] = json.loads(project.here(*arguments, "--json", check=check, **variables).stdout)
    return answer


def codes(database: Database) -> list[object]:
    """The keys in the table."""
    return [code for (code,) in database.query("select code from kinds order by code")]


def test_one_call_brings_schema_and_seeds_and_asks_the_smoke_questions_of_the_seeded_rows(project: Tiny, database_url: DatabaseUrl) -> None:
    """The smoke query needs what the seeds bring: asked before them it would always fail."""
    more = '[smoke]\nqueries = [{ sql = "select count(*) from kinds", equals = 3 }]\n'
    database = project_with(project, database_url, KINDS_SEED, DEMO_SEED, more=more)
    answer = document(project, "upgrade", "dev", "--seed")
    assert [seed["how"] for seed in answer["seeds"]] == ["loaded", "loaded"]
    assert answer["changed"] == ["applied `r1`", "loaded seed `kinds`", "loaded seed `demo`"]
    assert [item["good"] for item in answer["smoke"]] == [True, True, True]
    assert codes(database) == ["a", "b", "demo"]


def test_seeds_are_loaded_also_where_no_revision_is_pending_and_a_second_time_changes_nothing(
    project: Tiny, database_url: DatabaseUrl
) -> None:
    """Deployments call it every time."""
    database = project_with(project, database_url, KINDS_SEED)
    project.here("upgrade", "dev", check=0)
    assert codes(database) == []
    assert [seed["how"] for seed in document(project, "upgrade", "dev", "--seed")["seeds"]] == ["loaded"]
    before = database.picture()
    again = document(project, "upgrade", "dev", "--seed")
    assert ([seed["how"] for seed in again["seeds"]], again["changed"]) == (["nothing to do"], [])
    assert database.picture() == before


def test_a_seed_that_fails_says_which_revisions_were_applied_before(project: Tiny, database_url: DatabaseUrl) -> None:
    """The revisions are committed; the message must not say "nothing"."""
    database = project_with(project, database_url, KINDS_SEED)
    write(project, "kinds.csv", "code,label\na,Alpha,too much\n")
    answer = document(project, "upgrade", "dev", "--seed", check=2)
    assert (answer["code"], answer["changed"]) == ("seed-file", ["applied `r1`"])
    assert codes(database) == []


@pytest.mark.parametrize("case", ["no file", "forbidden statement", "variable"])
def test_what_can_be_refused_without_the_tables_is_refused_before_the_first_revision(
    project: Tiny, database_url: DatabaseUrl, case: str
) -> None:
    """Half of a deployment is worse than none."""
    more = '[environment_variable]\nname = "APP_ENV"\nrequired_for = ["seed"]\n'
    database = project_with(project, database_url, KINDS_SEED, DEMO_SEED, more=more)
    if case == "no file":
        (project.folder / "seeds" / "kinds.csv").unlink()
    if case == "forbidden statement":
        write(project, "demo.sql", "set role somebody;\n")
    variables = {} if case == "variable" else {"APP_ENV": "dev"}
    answer = document(project, "upgrade", "dev", "--seed", check=2 if case == "no file" else 3, **variables)
    assert (answer["code"], answer["changed"]) == (
        {"no file": "seed-missing-file", "forbidden statement": "seed-forbidden", "variable": "environment-variable"}[case],
        [],
    )
    if case == "variable":
        assert "`upgrade --seed` requires it" in answer["what"]
    assert "kinds" not in database.tables()


def test_an_upgrade_whose_seeds_delete_needs_the_confirmation_that_they_need(project: Tiny, database_url: DatabaseUrl) -> None:
    """`--seed` must not be a way around it, and the revisions wait for the answer, too."""
    database = project_with(project, database_url, KINDS_SEED + '\nunknown_rows = "delete"')
    assert document(project, "upgrade", "dev", "--seed", check=3)["code"] == "unconfirmed"
    assert "kinds" not in database.tables()
    project.here("upgrade", "dev", "--seed", check=0, CONFIRM_ENV="dev")
    assert codes(database) == ["a", "b"]


def test_python_gets_the_seeds_with_the_outcome(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """The same verb as a function."""
    project_with(project, sqlite_url, KINDS_SEED)
    done = lockgate.upgrade(lockgate.load_project(project.folder), "dev", seed=True, environ=project.environ)
    assert isinstance(done, SeededUpgrade)
    assert [(item.name, item.how) for item in done.seeds] == [("kinds", "loaded")]


def test_people_read_the_seeds_below_the_upgrade(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """One report for one call."""
    project_with(project, sqlite_url, KINDS_SEED)
    shown = project.here("upgrade", "dev", "--seed", check=0).stdout
    assert "upgraded `dev`" in shown
    assert "seeds/kinds.csv" in shown
    assert "loaded seed" not in shown


def test_status_tells_which_seeds_are_current_changed_or_never_applied(project: Tiny, database_url: DatabaseUrl) -> None:
    """A glance at all environments says where seeds are missing."""
    project_with(project, database_url, KINDS_SEED, DEMO_SEED)
    assert states(project) == {"kinds": "never applied", "demo": "never applied"}
    project.here("upgrade", "dev", check=0)
    project.here("seed", "dev", "kinds", check=0)
    assert states(project) == {"kinds": "current", "demo": "never applied"}
    project.here("seed", "dev", check=0)
    write(project, "kinds.csv", "code,label\na,Another\nb,Beta\n")
    assert states(project) == {"kinds": "changed", "demo": "current"}
    assert "1 current, kinds changed" in project.here("status", "dev", check=0).stdout
    (project.folder / "seeds" / "kinds.csv").unlink()
    assert states(project)["kinds"] == "no file"


@pytest.mark.parametrize("how", [("downgrade", "dev", "base"), ("reset", "dev")])
def test_seeds_whose_table_went_are_not_called_current(project: Tiny, database_url: DatabaseUrl, how: tuple[str, ...]) -> None:
    """The ledger remembers the load, but a downgrade or a reset took the rows."""
    database = project_with(project, database_url, KINDS_SEED, DEMO_SEED)
    project.here("upgrade", "dev", "--seed", check=0)
    project.here(*how, check=0, CONFIRM_ENV="dev")
    project.here("upgrade", "dev", check=0)
    assert "current" not in states(project).values()
    project.here("seed", "dev", "--if-changed", check=0)
    assert codes(database) == ["a", "b", "demo"]
    assert set(states(project).values()) == {"current"}


def test_seeds_that_outlived_a_downgrade_of_other_tables_stay_current(project: Tiny, database_url: DatabaseUrl) -> None:
    """Whoever went one revision back must not be told to seed again."""
    project_with(project, database_url, KINDS_SEED)
    project.revision("r2", "r1", 'op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True))', 'op.drop_table("notes")')
    project.here("upgrade", "dev", "--seed", check=0)
    project.here("downgrade", "dev", "r1", check=0, CONFIRM_ENV="dev")
    assert states(project) == {"kinds": "current"}


def test_the_seeds_of_a_database_that_is_another_environment_are_not_told(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """Its ledger tells of its own seeds."""
    project_with(project, sqlite_url, KINDS_SEED)
    project.here("upgrade", "dev", "--seed", check=0)
    project.point("test", sqlite_url)
    row = document(project, "status", "test")["environments"][0]
    assert (row["says"], row["seeds"]) == ("dev", [])


def test_history_tells_what_a_seed_did(project: Tiny, database_url: DatabaseUrl) -> None:
    """Rows, time and person stand beside the revisions."""
    project_with(project, database_url, KINDS_SEED)
    project.here("upgrade", "dev", "--seed", check=0)
    entry = next(item for item in document(project, "history", "dev")["entries"] if item["outcome"] == "seeded")
    assert (entry["revision"], entry["verb"]) == ("seed kinds", "seed")
    assert entry["duration_ms"] >= 0
    details = json.loads(entry["details"])
    assert {kind: details[kind] for kind in ("new", "changed", "equal", "unknown", "deleted")} == {
        "new": 2,
        "changed": 0,
        "equal": 0,
        "unknown": 0,
        "deleted": 0,
    }
    assert "2 new" in project.here("history", "dev", check=0).stdout
