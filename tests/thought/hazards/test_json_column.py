"""json without equality."""

from __future__ import annotations

from effecting import AE, change, column, did, ids, judged, lock, only


def test_jsonb_is_the_way_out() -> None:
    """SELECT DISTINCT over the table fails from now on."""
    found = only("LG506", judged(did("ALTER TABLE", lock(AE, "orders"), column("orders.extra", "json"))))
    assert found.safer == 'op.execute("ALTER TABLE orders ADD COLUMN extra jsonb")'


def test_jsonb_and_new_tables_are_fine() -> None:
    """No query knows them."""
    new = change("added", "column", "fresh.extra", new=True, type="json")
    assert "LG506" not in ids(judged(did("ALTER TABLE", column("orders.extra", "jsonb"), new)))
