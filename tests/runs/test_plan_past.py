"""The ledger of a database tells later plans how fast it is."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import psycopg
import pytest
from building import Database, Tiny
from planning import planned
from running import up

from lockgate.secret import DatabaseUrl

FILL = """op.execute("update orders set a = a + 1")
op.execute("select pg_sleep(1.1)")"""


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch, postgres_server: Any) -> None:
    """Copies are made on the tests' own server: starting another one takes longer than a plan."""
    monkeypatch.setattr("lockgate.scratch.temporary_server", lambda: nullcontext(postgres_server))


@pytest.mark.usefixtures("near")
def test_what_an_upgrade_took_is_the_basis_of_later_plans(project: Tiny, postgres_url: DatabaseUrl, tmp_path: Path) -> None:
    """Rates of a server that nobody knows are a guess; those of the very database are none."""
    project.point("dev", postgres_url).revision("r1", None)
    up(project)
    database = Database(postgres_url)
    database.query("create table orders as select g as a from generate_series(1, 50000) g")
    database.query("analyze orders")
    project.revision("r2", "r1", FILL)
    file = tmp_path / "plan.json"
    first = basis(project, "--out", str(file))
    assert first[0].startswith("built-in rates") and len(first) == 1
    project.here("upgrade", "dev", "--plan", str(file), check=0)
    details = json.loads(database.query("select details from lockgate.ledger where outcome = 'applied' order by id desc limit 1")[0][0])
    assert details["work"] == {"written_rows": 50000}

    project.revision("r3", "r2", FILL)
    with psycopg.connect(postgres_url.render().reveal()) as reader:  # and it has to try again, which is no time of work
        reader.execute("lock table orders in share mode")
        up(project, notify=lambda event: reader.rollback() if type(event).__name__ == "Retrying" else None)
    details = json.loads(database.query("select details from lockgate.ledger where outcome = 'applied' order by id desc limit 1")[0][0])
    assert details["tries"] > 1 and "work" not in details

    project.here("downgrade", "dev", "r1", check=0, CONFIRM_ENV="dev")
    same, alike = basis(project)
    assert same.startswith("r2 took 1.") and " here on 20" in same and same.endswith(", scaled by size")
    assert alike.startswith("DML at the pace of r2: r2 took 1.")


def basis(project: Tiny, *more: str) -> list[str]:
    """What the plan's estimates of its UPDATEs stand on, in order."""
    document = planned(project, *more)[1]
    found = [finding["estimate"]["basis"] for finding in document["findings"] if finding["id"] == "LG210"]
    assert found
    return list(dict.fromkeys(one for bases in found for one in bases))
