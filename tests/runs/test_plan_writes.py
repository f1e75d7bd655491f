"""What statements do to rows that the copy does not have: the target's planner says how many, and what nobody can tell is said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from building import Database, Tiny

SETUP = (
    "create table customers (id int primary key, age int, country text, ref text)",
    "create table orders (id int primary key, customer_id int references customers)",
    "create index on orders (customer_id)",
    "create table archive (id int)",
    "create table loose (id int)",
    "insert into customers select i, i % 90, 'x', i::text from generate_series(1, 20000) i",
    "insert into orders select i, i from generate_series(1, 20000) i",
    "create function purge() returns void language plpgsql as 'begin delete from orders; end'",
    "analyze",
)
# Each with the hazard, its severity and words that it is told by.
STATEMENTS = (
    ("select purge()", "LG212", "note", "how many is not known"),
    ("delete from orders where id < 18000", "LG303", "error", "about 17,"),
    ("delete from orders where id = 5", "LG303", "note", "about 1 of 20,000 row of"),
    ("delete from orders where customer_id in (select id from customers)", "LG303", "error", "about 20,000 of 20,000 rows"),
    ("update customers set country = 'y' where id < 19000", "LG212", "note", "rows of `public.customers`"),
    ("insert into archive select id from orders", "LG212", "warning", "about 20,000 rows of `public.archive`"),
    ("with m as (delete from orders where id > 0 returning id) insert into archive select id from m", "LG303", "error", "about 20,000 of"),
    ("do $$ begin update customers set country = 'z'; end $$", "LG212", "note", "how many is not known"),
    ("do $$ begin execute 'truncate loose'; end $$", "LG303", "note", "rows of `public.loose`"),
)  # fmt: skip


def planned(project: Tiny, lines: list[str]) -> dict[str, Any]:
    """Plan a second revision."""
    project.revision("r2", "r1", "\n".join(lines))
    document: dict[str, Any] = json.loads(project.here("plan", "dev", "--json", check=0).stdout)
    return document


@pytest.mark.usefixtures("filled")
def test_how_many_rows_go_is_asked_of_the_target(project: Tiny, filled: Database) -> None:
    """`where id < N` is one row or all of them; an empty copy says the same of both, and a statement in a DO block hides from every reader."""
    before = filled.picture()
    document = planned(
        project,
        [f"op.execute({statement!r})" for statement, *_ in STATEMENTS]
        + ['op.get_bind().execute(sa.text("delete from orders where id = :id"), {"id": 7})'],
    )
    assert filled.picture() == before
    told = {(finding["statement"], finding["id"]): (finding["severity"], finding["what"]) for finding in document["findings"]}
    for statement, hazard, severity, words in STATEMENTS:
        assert told[statement, hazard][0] == severity, statement
        assert words in told[statement, hazard][1], statement
    by_parameter = [answer for answer in document["effects"]["answers"] if answer["number"] == len(STATEMENTS) + 1]
    assert [(answer["kind"], answer.get("count"), answer.get("unknown")) for answer in by_parameter] == [("deleted", 1, None)]


@pytest.mark.usefixtures("filled")
def test_what_only_the_plan_makes_cannot_be_asked(project: Tiny) -> None:
    """The target does not have the column yet: said as that, not as an error of the database."""
    lines = ["op.add_column('customers', sa.Column('region', sa.Text))", "op.execute(\"update customers set region = 'eu' where id < 5\")"]
    (finding,) = [finding for finding in planned(project, lines)["findings"] if finding["id"] == "LG212"]
    assert finding["what"].endswith("how many is not known (the plan itself makes `region`)")
