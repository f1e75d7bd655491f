"""An index that goes."""

from __future__ import annotations

from effecting import AE, SUE, change, did, ids, judged, lock, only

GONE = change("dropped", "index", "orders.ix")


def test_the_table_is_locked_for_a_moment() -> None:
    """Short, but it queues like any other."""
    found = only("LG208", judged(did("DROP INDEX", lock(AE, "orders"), GONE)))
    assert found.severity.value == "note"
    assert 'op.drop_index("ix", "orders", postgresql_concurrently=True)' in found.safer


def test_concurrently_is_fine() -> None:
    """It is the way out."""
    assert ids(judged(did("DROP INDEX", lock(SUE, "orders"), GONE, concurrently=True, autocommit=True))) == set()
