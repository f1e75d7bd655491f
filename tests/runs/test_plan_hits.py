"""What a DELETE, an INSERT or an UPDATE meets on the target is counted where that can be asked exactly, and nothing else is called seen."""

from __future__ import annotations

from typing import Any

import psycopg
from building import Database, Tiny
from planning import planned

SETUP = (
    "create schema billing",
    "create table customers (id int primary key, email text unique, age int, country text, code varchar(5), at timestamptz default now())",
    "create table orders (id int primary key, customer_id int references customers)",
    "create table billing.invoices (id serial primary key, order_id int references public.orders)",
    "create table notes (id int, customer_id int references customers on delete cascade)",
    "create table tags (id int generated always as identity primary key, name text, customer_id int references customers on delete set null)",
    "create table members (id int primary key, email text unique)",
    "create table stock (id int primary key)",
    "create table countries (code varchar(2) primary key)",
    "create table cities (country varchar(2) references countries)",
    "insert into countries values ('UK'), ('FR'), ('DE')",
    "insert into cities values ('UK'), ('UK'), ('FR')",
    "create table billing.lots (stock_id int references public.stock on delete restrict)",
    *(f"create table lone{number} (id int primary key, a int, b text)" for number in range(1, 6)),
    "create table two (a int references stock on delete cascade, b int references stock)",
    "create table watched (id int primary key, a int)",
    "create function veto() returns trigger language plpgsql as 'begin if new.a = 5 then raise ''no''; end if; return new; end'",
    "create trigger t before update on watched for each row execute function veto()",
    "insert into customers select i, 'c' || i, i % 90, 'x', 'a' from generate_series(1, 300) i",
    "insert into orders select i, 100 + i from generate_series(1, 50) i",
    "insert into billing.invoices (order_id) select i from generate_series(1, 20) i",
    "insert into notes select i, i from generate_series(1, 10) i",
    "insert into tags (name, customer_id) select 'x', i from generate_series(1, 5) i",
    "insert into members select i, 'c' || i from generate_series(1, 9) i",
    "insert into stock select i from generate_series(1, 20) i",
    "insert into two values (1, 1)",
    "insert into billing.lots select i from generate_series(10, 20) i",
    *(f"insert into lone{number} values (1, 1, 'x'), (2, 0, '3')" for number in range(1, 6)),
    "insert into watched values (1, 5)",
    "analyze",
)
# Each fails on the rows that are there: with the kind of its answer, the table and the number.
FAILING = (
    ("delete from customers where id >= 101 and country = 'x'", "referenced", "public.orders", 50),
    ("delete from orders where id < 10", "referenced", "billing.invoices", 9),
    ("delete from public.stock o where o.id in (select stock_id from billing.lots where stock_id > 15)", "referenced", "billing.lots", 5),
    ("update countries set code = 'GB' where code = 'UK'", "referenced", "public.cities", 2),
    ("insert into members (id, email) values (5, 'new'), (999, 'c7'), (6, 'c6')", "taken", "public.members", 2),
    ("insert into lone1 values (2, 5, 'a'), (1, 5, 'b'), (7, 7, 'c')", "taken", "public.lone1", 2),
    ("update lone2 set a = 100 / a where id > 0", "computed", "public.lone2", 1),
    ("update lone3 set a = b::int", "computed", "public.lone3", 1),
    ("alter table lone4 add column g int generated always as (100 / a) stored", "computed", "public.lone4", 1),
)  # fmt: skip
# Nothing can make these fail, or the answers say so.
COVERED = (
    "delete from orders where id = 40",
    "delete from lone1 where b = 'q' or b like 'z_' or a is null",
    "insert into lone2 (id, b) values (3, 'x')",
    "insert into members (id, email) values (5, 'c5') on conflict do nothing",
    "insert into tags (name) values ('y')",
    "update customers set country = 'eu' where id < 10",
    "update lone3 set a = a + 1 where b = 'x'",
    "alter table lone4 add column h int generated always as (a * 2) stored",
)
# Nobody can tell.
OPEN = (
    "update countries set code = 'FR' where code = 'FR'",
    "delete from stock where id = 1",  # the only row that refers goes along with what it refers to
    "delete from customers where id < 3",  # rows go along that nobody has looked behind
    "delete from orders using customers c where c.id = customer_id and c.age < 0",
    "delete from orders where random() < 0",
    "delete from orders where id in (select max(i) from generate_series(90, 99) i)",
    "insert into lone5 select 9, 9, 'q'",
    "update customers set email = 'x' where id < 0",
    "update lone5 set b = nextval('tags_id_seq')::text where id < 0",
    "update customers set code = lower(email) where id < 0",
    "update watched set a = 6",
)


def revised(project: Tiny, *statements: str) -> dict[str, Any]:
    """Plan a second revision, each statement in a transaction of its own; one that will fail ends with exit status 1."""
    project.revision("r2", "r1", "\n".join(f"with op.get_context().autocommit_block():\n    op.execute({statement!r})" for statement in statements))
    return planned(project, check=1 if statements == tuple(statement for statement, *_ in FAILING) else 0)[1]


def fails(filled: Database, statement: str) -> bool:
    """Whether a statement fails on the target, which stays as it is."""
    with psycopg.connect(filled.url.with_driver("").render().reveal()) as connection:
        try:
            connection.execute(statement)  # type: ignore[call-overload]
        except psycopg.Error:
            return True
        finally:
            connection.rollback()
    return False


def test_what_a_statement_fails_on_is_counted(project: Tiny, filled: Database) -> None:
    """An empty copy takes all of them; each fails half way through a deployment."""
    before = filled.picture()
    document = revised(project, *(statement for statement, *_ in FAILING))
    assert filled.picture() == before
    assert document["code"] == "plan-fails"
    answers = [one for one in document["effects"]["answers"] if one["kind"] in ("referenced", "taken", "computed") and one["count"] > 0]
    by_number = {one["number"]: (one["kind"], one["table"], one["count"]) for one in answers}
    assert by_number == {number: expected for number, (_, *rest) in enumerate(FAILING, 1) if (expected := tuple(rest))}
    told = [finding for finding in document["findings"] if finding["id"] == "LG402"]
    assert {finding["statement"] for finding in told if finding["severity"] == "error" and finding["fails"]} == {statement for statement, *_ in FAILING}
    assert any(finding["what"].endswith("today: the statement fails (division by zero)") for finding in told)
    assert any('integer: "…")' in finding["what"] for finding in told), "a plan is shown to more people than rows are"
    assert document["not_seen"] == []
    assert [fails(filled, statement) for statement, *_ in FAILING] == [True] * len(FAILING)


def test_what_nothing_can_make_fail_is_not_listed_and_what_nobody_can_tell_is(project: Tiny, filled: Database) -> None:
    """A list of what is fine is read by nobody; a statement that is not on it must not fail."""
    document = revised(project, *COVERED, *OPEN)
    assert [one["statement"] for one in document["not_seen"]] == list(OPEN)
    assert [finding for finding in document["findings"] if finding["id"] in ("LG401", "LG402")] == []
    assert [statement for statement in COVERED if fails(filled, statement)] == []
    along = {finding["relation"]: finding["what"] for finding in document["findings"] if finding["id"] == "LG303"}
    assert along["public.notes"].startswith("2 rows of `public.notes` go along (ON DELETE CASCADE) by `notes_customer_id_fkey`")
    assert along["public.tags"].startswith("2 rows of `public.tags` lose what they refer to")


def test_what_the_plan_did_before_is_taken_into_account(project: Tiny, filled: Database) -> None:
    """Rows that it deletes itself may be all that refers; a key that it drops holds nothing; a table that it makes is not asked."""
    document = revised(
        project,
        "delete from billing.invoices where order_id < 10",
        "delete from orders where id < 10",
        "alter table tags drop constraint tags_customer_id_fkey",
        "create table mine (id int references lone1)",
        "delete from lone1 where id = 2",
        "alter table notes add column seen boolean",
        "update notes set seen = true",
    )
    (told,) = [finding for finding in document["findings"] if finding["id"] == "LG402"]
    assert (told["severity"], told["fails"]) == ("warning", False)
    assert "9 rows of `billing.invoices` referring by `invoices_order_id_fkey` to a key that goes as of now, and the statement fails unless r2 line" in told["what"]
    assert [one["statement"] for one in document["not_seen"]] == ["delete from lone1 where id = 2"]
