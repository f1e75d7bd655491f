"""The literal commands of the guide, typed at a prompt; all of them pass the gate."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import ROOT, done, refused
from live import make_live
from picture import everything, without_ledger
from sqlalchemy import make_url
from work_data_hub.io.schema import migration_runner

HEAD, BEFORE = "20260120_0915", "20260112_1620"
MakeUrl = Callable[..., str]


def test_alembic_upgrade_head_and_downgrade_minus_one(database_url: str) -> None:
    """The everyday commands: up as they are, down with a confirmation, and a database that is `dev` from the first one on."""
    migration_runner.upgrade(database_url, "20251113_000001", create_database=True)
    done("alembic", "upgrade", "head", DATABASE_URL=database_url)
    assert migration_runner.current(database_url) == (HEAD,)
    before = without_ledger(everything(database_url))
    said = refused("alembic", "downgrade", "-1", DATABASE_URL=database_url)
    assert "needs a confirmation" in said and "CONFIRM_ENV=dev" in said
    assert without_ledger(everything(database_url)) == before
    done("alembic", "downgrade", "-1", DATABASE_URL=database_url, CONFIRM_ENV="dev")
    assert migration_runner.current(database_url) == (BEFORE,)


@pytest.mark.parametrize("command", ["alembic upgrade head", "alembic downgrade -1", "lockgate downgrade test base"])
def test_every_command_is_refused_on_a_database_of_another_environment(new_url: MakeUrl, command: str) -> None:
    """The database is asked, not the URL: the shell believes that it is set up for `test`."""
    url = new_url("postgresql")
    migration_runner.upgrade(url, create_database=True)
    before = everything(url)
    said = refused(*command.split(), DATABASE_URL=url, WDH_ENV="test", CONFIRM_ENV="test")
    assert "this database says it is `dev`, you asked for `test`" in said
    assert everything(url) == before


def test_a_name_with_test_in_it_makes_no_test_database(new_url: MakeUrl) -> None:
    """`latest_live` contains "test"; a guard that reads names would let everything happen to it."""
    url = new_url("postgresql", "latest_live")
    make_live(url)
    before = without_ledger(everything(url))
    script = ("python", "scripts/db_setup.py", "--downgrade", "base")
    for command, variables in (
        (("alembic", "downgrade", "base"), {"WDH_ENV": "test", "CONFIRM_ENV": "test"}),
        (("alembic", "downgrade", "base"), {"WDH_ENV": "live"}),
        (script, {}),
    ):
        assert "refused to downgrade" in refused(*command, DATABASE_URL=url, **variables)
        assert without_ledger(everything(url)) == before


def test_alembic_revision_names_file_and_id_after_the_moment(copied: Path) -> None:
    """`YYYYMMDD_HHMM_short_description.py`, the id is its beginning, and a minute that is taken gets a suffix."""
    versions = copied / "io" / "schema" / "migrations" / "versions"
    known = set(versions.glob("*.py"))
    for _ in range(3):  # of three in a row two share a minute, unless each takes half of one
        done("alembic", "revision", "-m", "describe_change", folder=copied)
    made = sorted(set(versions.glob("*.py")) - known)
    assert len(made) == 3
    assert all(re.fullmatch(r"\d{8}_\d{4}(_\d+)?_describe_change", path.stem) for path in made)
    ids = [path.stem.removesuffix("_describe_change") for path in made]
    assert any(id_.endswith("_2") for id_ in ids)
    for path, id_ in zip(made, ids, strict=True):
        assert f"\nrevision = '{id_}'\n" in path.read_text(encoding="utf-8")
    shown = done("alembic", "history", folder=copied)
    assert all(f"-> {id_}" in shown for id_ in ids)


def test_an_id_that_is_given_wins(copied: Path) -> None:
    """Alembic's own option works as ever."""
    done("alembic", "revision", "-m", "mine", "--rev-id", "20991231_2359", folder=copied)
    assert (copied / "io" / "schema" / "migrations" / "versions" / "20991231_2359_mine.py").is_file()


@pytest.mark.parametrize("variable", ["DATABASE_URL", "WDH_DATABASE__URI"])
def test_the_url_comes_from_the_settings(new_url: MakeUrl, variable: str) -> None:
    """Either variable will do, for plain alembic and for lockgate; alembic.ini has no URL of its own."""
    assert not re.search(r"^\s*sqlalchemy\.url", (ROOT / "alembic.ini").read_text(encoding="utf-8"), re.MULTILINE)
    url = new_url("sqlite")
    done("alembic", "upgrade", "head", **{variable: url})
    assert migration_runner.current(url) == (HEAD,)
    assert HEAD in done("alembic", "current", **{variable: url})
    assert HEAD in done("lockgate", "status", "dev", **{variable: url})


def test_the_projects_own_variable_wins() -> None:
    """`DATABASE_URL` is read by other programs, too."""
    said = done("lockgate", "url", "dev", DATABASE_URL="sqlite:////one.db", WDH_DATABASE__URI="sqlite:////two.db")
    assert said.strip().endswith("two.db")


def test_without_a_url_the_commands_say_which_variable_to_set() -> None:
    """And nothing is contacted."""
    for command in (("alembic", "upgrade", "head"), ("lockgate", "upgrade", "dev"), ("python", "scripts/db_setup.py")):
        assert "set DATABASE_URL or WDH_DATABASE__URI" in refused(*command)


def test_a_percent_sign_in_the_password_is_a_letter_like_others(new_url: MakeUrl) -> None:
    """In an ini file it would begin an interpolation."""
    plain = make_url(new_url("postgresql"))
    migration_runner.upgrade(plain.render_as_string(hide_password=False), create_database=True)
    url = plain.set(password="p%41:ss@%(here)s/word").render_as_string(hide_password=False)
    assert "%25" in url
    done("alembic", "upgrade", "head", DATABASE_URL=url)
    done("alembic", "downgrade", "-1", DATABASE_URL=url, CONFIRM_ENV="dev")
    migration_runner.upgrade(url)
    assert "p%" not in done("python", "scripts/db_setup.py", "--database-url", url)
    assert migration_runner.current(url) == (HEAD,)


def test_live_is_changed_with_its_name_alone(new_url: MakeUrl) -> None:
    """The same commands, and a confirmation."""
    url = new_url("sqlite")
    make_live(url)
    down = ("alembic", "downgrade", "-1")
    refused(*down, DATABASE_URL=url, CONFIRM_ENV="live")
    done(*down, DATABASE_URL=url, WDH_ENV="live", CONFIRM_ENV="live")
    refused("alembic", "upgrade", "head", DATABASE_URL=url, WDH_ENV="live")
    done("alembic", "upgrade", "head", DATABASE_URL=url, WDH_ENV="live", CONFIRM_ENV="live")
    assert "belongs into `dev`, `test`" in refused("python", "scripts/db_setup.py", "--seed", DATABASE_URL=url, WDH_ENV="live", CONFIRM_ENV="live")


def test_the_plan_tells_what_the_history_does_to_a_live_database(new_url: MakeUrl) -> None:
    """Before anything runs: the index that is built while writers wait; the database itself is only read."""
    url = new_url("postgresql")
    migration_runner.upgrade(url, "20251113_000001", create_database=True)
    before = everything(url)
    document = json.loads(done("lockgate", "plan", "dev", "--json", "-q", DATABASE_URL=url))
    assert (len(document["effects"]["revisions"]), document["effects"]["revisions"][-1]["id"]) == (6, HEAD)
    assert ("20251118_0930", "LG206") in {(finding["revision"], finding["id"]) for finding in document["findings"]}
    assert everything(url) == before
