"""Rows that no index narrows."""

from __future__ import annotations

from effecting import AE, RE, did, ids, judged, lock, only, scan, size


def test_a_backfill_is_cut_into_ranges() -> None:
    """A million rows in one transaction are a minute of row locks, and of lag on every replica."""
    effect = did("UPDATE", lock(RE, "orders"), scan("orders"), text="update orders\nset x = 1 where x is null")
    found = only("LG210", judged(effect, sizes=(size("orders", rows=10_000_000),)))
    assert found.estimate is not None
    assert (found.severity.value, round(found.estimate.high_s)) == ("error", 500)
    assert "update orders set x = 1 where x is null AND id BETWEEN :first AND :last" in found.safer


def test_a_table_that_is_only_read_is_not_written() -> None:
    """UPDATE .. FROM reads the other one from end to end."""
    assert ids(judged(did("UPDATE", lock(RE, "orders"), scan("lookup")))) == set()


def test_rows_of_new_tables_are_nobodys() -> None:
    """Filling a table that nobody uses is what revisions are for."""
    made = did("CREATE TABLE", lock(AE, "fresh", new=True))
    assert ids(judged(made, did("UPDATE", lock(RE, "fresh", new=True), scan("fresh", new=True)))) == set()
