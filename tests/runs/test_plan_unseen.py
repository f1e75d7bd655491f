"""What only the target's rows can make fail: it runs on a copy without rows, so a plan says that it saw nothing of it."""

from __future__ import annotations

import pytest
from building import Database, Tiny
from planning import planned

SETUP = (
    "create table customers (id int primary key, age int not null, ref text)",
    "create table orders (id int primary key, customer_id int references customers)",
    "create index on orders (customer_id)",
    "create table loose (note text)",
    "insert into customers select i, i % 90, 'x' || i from generate_series(1, 2000) i",
    "insert into orders select i, i from generate_series(1, 2000) i",
    "create function age_of(int) returns int stable language sql as 'select 100 / age from customers where id = $1'",
    "analyze",
)
# Each fails on the rows that are there, and runs on a copy without them.
FAILING = (
    "update orders set customer_id = ref::int from customers c where c.id = customer_id",
    "do $$ begin if exists (select from customers where age = 0) then raise 'dirty'; end if; end $$",
    "select age_of(90)",
    "create index on customers ((ref::int))",
    "insert into fresh select age from customers",
)
QUIET = (
    "alter table loose add column label text generated always as (lower(note)) stored",
    "create table own (id int primary key)",
    "insert into own values (1)",
    "update own set id = 2",
    "do $$ begin if not exists (select from information_schema.columns where table_name = 'customers') then raise 'no'; end if; end $$",
)


def executed(*statements: str) -> str:
    """The code of a revision."""
    return "\n".join(f"op.execute({statement!r})" for statement in statements)


def test_what_only_rows_make_fail_is_no_clean_bill(project: Tiny, filled: Database) -> None:
    """Each of them stopped a deployment that a plan had nothing to say about."""
    check = 'bad = op.get_bind().execute(sa.text("select id from customers where age < 0")).all()\nassert not bad'
    project.revision("r2", "r1", executed("create table fresh (id int primary key)", *FAILING, *QUIET) + f"\n{check}")
    before = filled.picture()
    document = planned(project)[1]
    assert filled.picture() == before
    assert [one["statement"] for one in document["not_seen"]] == [*FAILING, "select id from customers where age < 0"]
    assert {(one["revision"], one["file"]) for one in document["not_seen"]} == {("r2", "migrations/versions/r2.py")}
    assert all(one["line"] and one["why"] for one in document["not_seen"])
    filled.query("create table fresh (id int primary key)")
    for statement in FAILING:
        with pytest.raises(Exception, match=r"division by zero|invalid input syntax|dirty|duplicate key"):
            filled.query(statement)


def test_a_plan_that_found_nothing_says_what_it_did_not_see(project: Tiny, filled: Database) -> None:
    """The first line is what is read."""
    project.revision("r2", "r1", executed("do $$ begin perform 1 / age from customers; end $$"))
    text = project.here("plan", "dev", check=0).stdout
    assert "`dev`: nothing found in 1 revision; 1 statement depends on rows that the copy does not have" in text
    assert "not seen: the copy has no rows on which this could fail\n  migrations/versions/r2.py:" in text
