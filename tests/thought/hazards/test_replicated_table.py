"""Published tables."""

from __future__ import annotations

from effecting import AE, RE, column, constraint, did, ids, judged, lock, only, scan

from lockgate.hazards.answers import Preflight, Publication

NEWS = Preflight(publications=(Publication(table="public.orders", name="news"),))
BLIND = Preflight(publications=(Publication(table="public.orders", name="news", identity=False),))
UPDATE = did("UPDATE", lock(RE, "orders"), scan("orders"))


def test_a_change_of_shape_is_told_once() -> None:
    """The subscriber stops, and the disk of the publisher fills up with WAL."""
    add = did("ALTER TABLE", lock(AE, "orders"), column("orders.x", "integer"))
    found = only("LG802", judged(add, add, preflight=NEWS))
    assert (found.severity.value, found.relation) == ("warning", "public.orders")
    assert "publication `news`" in found.what


def test_rows_that_cannot_be_told_apart_are_refused() -> None:
    """UPDATE fails on such a table, on the target only."""
    found = only("LG802", judged(UPDATE, preflight=BLIND))
    assert found.severity.value == "error"
    assert found.safer == 'op.execute("ALTER TABLE orders REPLICA IDENTITY FULL")'


def test_what_subscribers_need_not_know_is_silent() -> None:
    """Rows are replicated, constraints are everybody's own."""
    assert "LG802" not in ids(judged(UPDATE, preflight=NEWS))
    assert "LG802" not in ids(judged(did("ALTER TABLE", lock(AE, "orders"), constraint("check", "orders.ck")), preflight=NEWS))
    assert "LG802" not in ids(judged(did("ALTER TABLE", lock(AE, "other"), column("other.x", "integer")), preflight=NEWS))
