"""A copy of the table as it is."""

from __future__ import annotations

from effecting import AE, did, ids, judged, lock, only, rewrite


def test_vacuum_full_is_told_although_it_changes_nothing() -> None:
    """No catalog change, no data change, and the table is gone for an hour."""
    found = only("LG203", judged(did("VACUUM", lock(AE, "orders"), rewrite("orders", "new file"), autocommit=True)))
    assert (found.severity.value, found.relation) == ("warning", "public.orders")


def test_an_emptied_table_is_not_copied() -> None:
    """TRUNCATE makes a new file as well."""
    assert "LG203" not in ids(judged(did("TRUNCATE", lock(AE, "orders"), rewrite("orders", "truncate"))))
