"""A plan of a revision that a broken run left half applied begins where the next run goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from building import SETTINGS, Database, Tiny
from planning import planned
from running import up

from lockgate.hazards.approved import read_plan
from lockgate.secret import DatabaseUrl

HALF = """op.execute("create index ix_name on orders (name)")
with op.get_context().autocommit_block():
    op.execute("create table batches (n int)")
    op.create_index("ux_age", "orders", ["age"], unique=True, postgresql_concurrently=True)
op.add_column("orders", sa.Column("note", sa.Text))"""


@pytest.fixture
def dev(project: Tiny, postgres_url: DatabaseUrl) -> Database:
    """Environment `dev` at r1; r2 broke off at its unique index, for two rows have the same key."""
    project.point("dev", postgres_url).revision("r1", None, 'op.execute("create table orders as select 1 as age, \'x\' as name from generate_series(1, 2)")')
    up(project)
    project.revision("r2", "r1", HALF)
    project.here("upgrade", "dev", check=1)
    return Database(postgres_url)


def test_what_is_done_is_not_planned_again(project: Tiny, dev: Database, tmp_path: Path) -> None:
    """Who plans after a failure needs the reason for it, and then the rest; 'already exists' would be an error that no run meets."""
    found, document = planned(project, check=1)
    assert [(one["id"], one["line"]) for one in document["findings"] if one.get("fails")] == [("LG402", 16)]
    assert [effect.command for effect in found.revisions[0].effects] == ["CREATE INDEX", "ALTER TABLE"]
    dev.query("update orders set age = 2 where ctid = (select min(ctid) from orders)")
    kept = tmp_path / "plan.json"
    told = project.here("plan", "dev", "--out", os.fspath(kept)).stderr
    assert "half applied by an earlier run: upgrade of `r2`" in told
    assert read_plan(kept.read_text(encoding="utf-8")).plan.revisions == ("r2",)
    project.here("upgrade", "dev", "--plan", os.fspath(kept))
    assert dev.query("select indisvalid from pg_index where indexrelid = 'ux_age'::regclass") == [(True,)]


def test_so_it_is_where_every_statement_commits(project: Tiny, mariadb_url: DatabaseUrl) -> None:
    """On MariaDB any revision may be half applied, so a plan must not fail on what is done there either."""
    project.settings(SETTINGS.replace("[environments.dev]", "[environments.dev]\nscratch = true")).point("dev", mariadb_url)
    project.revision("r1", None, 'op.execute("create table orders (age int)")\nop.execute("insert into orders values (1), (1)")')
    up(project)
    project.revision("r2", "r1", 'op.add_column("orders", sa.Column("x", sa.Integer))\nop.execute("create unique index ux_age on orders (age)")')
    project.here("upgrade", "dev", check=1)
    found, document = planned(project, check=1)
    assert [one["id"] for one in document["findings"] if one.get("fails")] == ["LG402"]
    assert [effect.command for effect in found.revisions[0].effects] == ["CREATE INDEX"]
