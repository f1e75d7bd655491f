"""The ledger is a chain: whoever changes, adds or takes a row is found out, and writers who meet do not break it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest
from alembic import command
from building import Database, Tiny
from calling import config_for, refused
from running import mark, up

from lockgate.secret import DatabaseUrl

# What an older lockgate left: no head, no seals.
BACK_TO_VERSION_1 = ("drop table {p}head_of_ledger", *(f"alter table {{p}}ledger drop column {name}" for name in ("source", "number", "digest")))


def prefix(database: Database) -> str:
    """The registry's place."""
    return "lockgate." if database.url.backend == "postgresql" else "lockgate_"


@pytest.fixture
def database(project: Tiny, database_url: DatabaseUrl) -> Database:
    """`dev` at head of two revisions, with refusals in its ledger."""
    project.tables("users", "orders").point("dev", database_url)
    up(project)
    project.here("downgrade", "dev", "base", check=3)
    return Database(database_url)


TAMPERED: list[tuple[str, int, str]] = [
    ("update {p}ledger set operator = 'nobody@nowhere' where number = 2", 2, "changed"),
    ("delete from {p}ledger where number = 2", 2, "missing"),
    ("delete from {p}ledger where number = 5", 5, "missing"),
    ("update {p}ledger set number = 9 where number = 1", 1, "missing"),
    ("update {p}ledger set number = 0 where number = 4", 1, "slipped in"),
    ("update {p}head_of_ledger set digest = 'abc'", 5, "head"),
]


@pytest.mark.parametrize("statement, row, reason", TAMPERED, ids=lambda value: str(value)[:30])
def test_a_row_that_is_not_as_it_was_written_is_named(project: Tiny, database: Database, statement: str, row: int, reason: str) -> None:
    """Changed, taken out (also the newest), renumbered, stripped of its seal: exit 1, with the first such row."""
    whole = project.here("history", "dev", "--verify", check=0)
    assert "5 rows, seal 5:" in whole.stdout
    database.query(statement.format(p=prefix(database)))
    before = database.picture()
    done = project.here("history", "dev", "--verify", check=1)
    assert f"row {row}: " in done.stderr and reason in done.stderr
    assert "code: ledger-broken" in done.stderr and "changed: nothing" in done.stderr
    found = json.loads(project.here("history", "dev", "--verify", "--json", check=1).stdout)
    assert (found["code"], found["broken"], found["ok"]) == ("ledger-broken", row, False)
    assert database.picture() == before, "looking wrote something"


def test_a_registry_of_an_older_lockgate_is_sealed_by_the_next_run(project: Tiny, database: Database) -> None:
    """Reading verbs leave it as it is and understand it; the first one that writes upgrades it, its old rows included."""
    for statement in BACK_TO_VERSION_1:
        database.query(statement.format(p=prefix(database)))
    database.query(f"update {prefix(database)}setting set value = '1' where name = 'registry_version'")
    before = database.picture()
    assert "no seals yet" in project.here("history", "dev", "--verify", check=0).stdout
    assert "r2" in project.here("status", "dev", check=0).stdout
    assert "applied" in project.here("history", "dev", check=0).stdout
    assert database.picture() == before
    project.tables("users", "orders", "invoices")
    up(project)
    assert "seal " in project.here("history", "dev", "--verify", check=0).stdout
    number = database.query(f"select max(number) from {prefix(database)}ledger")[0][0]
    assert number == len(database.ledger()) >= 6
    database.query(f"update {prefix(database)}ledger set verb = 'x' where number = 1")
    assert "row 1: " in project.here("history", "dev", "--verify", check=1).stderr


def test_a_refusal_leaves_an_older_registry_as_it_is_but_for_its_row(project: Tiny, database: Database) -> None:
    """A newer lockgate that was refused must not lock out those who run the older one; its row is sealed by the next run that may write."""
    for statement in BACK_TO_VERSION_1:
        database.query(statement.format(p=prefix(database)))
    database.query(f"update {prefix(database)}setting set value = '1' where name = 'registry_version'")
    before, columns = database.contents(), len(database.query(f"select * from {prefix(database)}ledger")[0])
    project.here("downgrade", "dev", "base", check=3)
    refused(command.downgrade, config_for(project, database.url), "base", LOCKGATE_ENV="dev")
    assert database.contents() == before, "the refusal changed something"
    assert len(database.query(f"select * from {prefix(database)}ledger")[0]) == columns
    assert [row[:2] for row in database.ledger()][-2:] == [("downgrade", "refused")] * 2
    project.tables("users", "orders", "invoices")
    up(project)
    told = project.here("history", "dev", "--verify", check=0).stdout
    assert f"{len(database.ledger())} rows, seal " in told and len(database.ledger()) >= 8


def test_writers_that_meet_do_not_fork_the_chain(project: Tiny, database: Database) -> None:
    """Refusals hold no lock: four processes write them while an upgrade is under way."""
    project.tables("users", "orders", *(f"t{number}" for number in range(6)))
    code = (
        "import os, lockgate\nfrom lockgate.errors import Refused\nproject = lockgate.load_project('.')\n"
        "for _ in range(8):\n    try:\n        lockgate.downgrade(project, 'dev', 'base', environ=dict(os.environ))\n    except Refused:\n        pass\n"
    )
    rivals = [subprocess.Popen([sys.executable, "-c", code], cwd=project.folder, env={**project.environ}) for _ in range(3)]
    up(project)
    assert [rival.wait() for rival in rivals] == [0] * 3
    numbers = [row[0] for row in database.query(f"select number from {prefix(database)}ledger order by id")]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert len([row for row in database.ledger() if row[1] == "refused"]) >= (1 if database.url.backend == "sqlite" else 25)
    project.here("history", "dev", "--verify", check=0)


def test_a_writer_waits_for_the_one_before_it(project: Tiny, make_postgres_database: Callable[[], DatabaseUrl]) -> None:
    """A row that another transaction has written and not committed yet is followed, not overlooked."""
    url = make_postgres_database()
    database = mark(project.tables("users"), "dev", url)
    project.point("dev", url)
    with closing(psycopg.connect(url.render().reveal())) as other, ThreadPoolExecutor(1) as pool:
        other.execute("update lockgate.head_of_ledger set number = number")
        told = pool.submit(project.lockgate, "downgrade", "dev", "base")
        while not database.query("select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%head_of_ledger%'"):
            assert not told.done()
        other.commit()
        assert told.result().returncode == 3
    assert [row[1] for row in database.ledger()] == ["adopted", "refused"]
    project.here("history", "dev", "--verify", check=0)
