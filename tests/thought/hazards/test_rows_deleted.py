"""Rows that go."""

from __future__ import annotations

from effecting import AE, RE, did, ids, judged, lock, rewrite, scan, size


def test_truncate_empties_what_hangs_on_it_too() -> None:
    """CASCADE follows foreign keys."""
    found = judged(did("TRUNCATE", lock(AE, "orders"), lock(AE, "items"), rewrite("orders", "truncate"), rewrite("items", "truncate")))
    told = {finding.relation for finding in found.findings if finding.id == "LG303" and finding.severity.value == "error"}
    assert told == {"public.orders", "public.items"}


def test_a_delete_by_key_is_what_somebody_meant() -> None:
    """One wrong row is taken out: no alarm."""
    assert "LG303" not in ids(judged(did("DELETE", lock(RE, "orders"))))


def test_an_empty_table_loses_nothing() -> None:
    """Told, but not as an error."""
    effect = did("DELETE", lock(RE, "orders"), scan("orders"))
    assert "LG303" not in ids(judged(effect, sizes=(size("orders", rows=0),)), "error")
