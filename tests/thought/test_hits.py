"""Which statements are read for the rows that they meet: whatever cannot be read, or is not the target's, is left alone."""

from __future__ import annotations

import postgast
import pytest
from effecting import AE, RE, change, column, did, drop, lock, revision
from msgspec import structs

from lockgate.hazards.checks import checks
from lockgate.hazards.demands import Demand, Key, Reference
from lockgate.hazards.effects import Effect, Effects

REFERENCE = Reference(name="fk", table="public.items", columns=("order_id",), others=("id",), on_delete="NO ACTION")
ORDERS = Demand(
    table="public.orders", columns=("id", "a", "b"), types=("integer", "integer", "text"), guarded=("id",), keys=(Key(name="pk", columns=("id",)),), references=(REFERENCE,)
)  # fmt: skip
HELD = lock(RE, "orders")


def kinds(*effects: Effect, demand: Demand = ORDERS, parser: object = postgast) -> list[str]:
    """Which exact questions the last statement leads to."""
    whole = revision(*(structs.replace(effect, number=number) for number, effect in enumerate(effects, 1)))
    found = checks(Effects(revisions=(whole,), demands=(demand,)), parser)
    return [check.answer.kind for check in found if check.answer.number == len(effects) and not check.statement]


def dml(text: str) -> Effect:
    """A statement that writes rows of the table."""
    return did(text.split()[0].upper(), HELD, text=text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("delete from orders where id = 1;", ["referenced", "covered"]),
        ("delete from only public.orders as o where o.b is null and now() > '2020-01-01'", ["referenced", "covered"]),
        ("insert into orders values (1, 2, 'x'), (2, 3, 'y') returning id", ["taken", "covered"]),
        ("insert into orders (b, id) values ('x', '7'::int)", ["taken", "covered"]),
        ("delete from orders where b::int > 5", ["referenced"]),  # and a row may break the cast
        ("delete from orders where orders.b = 'x'", ["referenced", "covered"]),
        ("delete from orders where orders.purge", []),  # calls a function of that name
        ("delete from orders where b::app.checked = 'x'", []),
        ("insert into orders (id) overriding user value values (1)", []),
        ("insert into orders (b) values ('x')", []),
        ("insert into orders (id) values (default)", []),
        ("insert into orders values (%(id)s, 1, 'x')", []),
        ("insert into orders (id) values (1) on conflict (id) do update set a = 1", []),
        ("update orders set a = 5, b = null", ["covered"]),
        ("update orders set a = a * 2", ["computed", "covered"]),
        ("update orders set id = 5", ["referenced"]),
        ("update orders set id = id + 5", ["computed"]),
        ("update orders set (a, b) = (select 1, 'x')", []),
        ("update orders set a = mine(a)", []),
        ("update orders set a = (with x as (select 1) select * from x)", []),
        ("update orders set a = (select max(id) from stranger)", []),
        ("delete from orders where b like 'x%%'", []),
        ("delete from orders where b = '\udc80'", []),
        ("delete from orders where b = '***'", []),
        ("delete from orders where a = " + "-" + "(1 + " * 90 + "1" + ")" * 90, []),
        ("delete from orders where", []),
        ("delete from orders; delete from orders", []),
        ("delete from stranger", []),
    ],
)  # fmt: skip
def test_what_can_be_read_is_asked(text: str, expected: list[str]) -> None:
    """A question that is wrong by a little is worse than none."""
    assert kinds(dml(text)) == expected


def test_a_table_that_is_not_what_it_was_is_left_alone() -> None:
    """The answers are about the target as it is; a new column that holds nothing changes nothing."""
    delete = dml("delete from orders")
    assert kinds(did("ALTER TABLE", lock(AE, "orders"), column("orders.x", "text")), delete) == ["referenced", "covered"]
    for before in (
        did("ALTER TABLE", column("orders.x", "text", not_null=True)),
        did("ALTER TABLE", change("dropped", "constraint", "items.fk", before={"references": "public.orders"})),
        did("CREATE TABLE", change("added", "constraint", "fresh.fk", new=True, references="public.orders")),
        did("CREATE TRIGGER", change("added", "trigger", "orders.t")),
    ):
        assert kinds(before, delete) == [], before
    assert kinds(did("DROP TABLE", drop("table", "items")), delete) == []
    assert kinds(delete, demand=structs.replace(ORDERS, hidden=True)) == []
    assert kinds(delete, parser=None) == []
    late = structs.replace(ORDERS, references=(structs.replace(REFERENCE, late=True),))
    assert kinds(delete, demand=late) == []
    other = structs.replace(ORDERS, types=("citext", "integer", "text"))
    assert kinds(delete, demand=other) == [], "`=` of pg_catalog is not what its index compares by"


def test_rows_that_an_earlier_statement_takes_along_count_as_of_now() -> None:
    """No row of theirs is locked on a copy without rows; what stood in the way may be gone by then."""
    along = structs.replace(ORDERS, references=(structs.replace(REFERENCE, on_delete="CASCADE"),))
    stops = structs.replace(REFERENCE, name="fk2", columns=("media_id",))
    media = Demand(table="public.media", columns=("id",), types=("integer",), references=(stops,))
    effects = (dml("delete from orders"), structs.replace(did("DELETE", lock(RE, "media"), text="delete from media", line=11), number=2))
    found = checks(Effects(revisions=(revision(*effects),), demands=(along, media)), postgast)
    assert [(check.answer.kind, check.answer.written) for check in found if check.answer.kind == "referenced"] == [("referenced", "r1 line 10")]


def test_a_given_key_is_compared_as_the_column_will_hold_it() -> None:
    """5.001 is 5.00 in a numeric(10,2)."""
    priced = Demand(table="public.orders", columns=("price",), types=("numeric(10,2)",), keys=(Key(name="uq", columns=("price",)),))
    found = checks(Effects(revisions=(revision(dml("insert into orders values (5.001)")),), demands=(priced,)), postgast)
    assert ["cast(5.001 as numeric(10,2))" in check.condition for check in found if check.answer.kind == "taken"] == [True]
