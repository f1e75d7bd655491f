"""Constraints that are new to running code."""

from __future__ import annotations

from effecting import AE, change, constraint, did, ids, judged, lock, only


def test_not_valid_is_for_old_rows_only() -> None:
    """New ones are checked at once."""
    found = only("LG503", judged(did("ALTER TABLE", lock(AE, "orders"), constraint("check", "orders.ck", valid=False))))
    assert (found.severity.value, "check `ck`" in found.what) == ("note", True)


def test_a_unique_index_refuses_like_a_constraint_and_is_told_once() -> None:
    """UNIQUE makes both."""
    index = change("added", "index", "orders.uq", unique=True)
    for things in ((index,), (index, constraint("unique", "orders.uq"))):
        only("LG503", judged(did("CREATE INDEX", *things)))


def test_what_the_server_made_again_is_not_new() -> None:
    """A change of type does that."""
    assert "LG503" not in ids(judged(did("ALTER TABLE", change("recreated", "constraint", "orders.ck"))))
