"""Two tables in one transaction."""

from __future__ import annotations

from effecting import AE, column, did, ids, judged, lock, only

ONE = did("ALTER TABLE", lock(AE, "orders"), column("orders.x", "text"), line=11)
OTHER = did("ALTER TABLE", lock(AE, "customers"), column("customers.x", "text"), line=12)


def test_the_second_table_is_where_it_deadlocks() -> None:
    """Whoever looks for the cause of a deadlock needs both names and the line."""
    found = only("LG103", judged(ONE, OTHER))
    assert (found.line, found.relation, found.severity.value) == (12, "public.customers", "note")
    assert "public.orders" in found.what


def test_one_table_twice_and_two_transactions_are_fine() -> None:
    """What is recommended must not be reported."""
    apart = did("ALTER TABLE", lock(AE, "customers"), transaction=2)
    assert "LG103" not in ids(judged(ONE, ONE, apart))
