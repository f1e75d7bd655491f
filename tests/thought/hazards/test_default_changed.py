"""Another default."""

from __future__ import annotations

from effecting import change, did, ids, judged, only


def test_a_default_that_goes_is_told() -> None:
    """Running code leaves the column out and gets NULL."""
    found = only("LG504", judged(did("ALTER TABLE", change("altered", "column", "orders.n", before={"default": "0"}, default=None))))
    assert (found.severity.value, "but NULL" in found.what) == ("note", True)


def test_null_that_becomes_possible_is_told() -> None:
    """Code that reads it was never tested with it."""
    effect = did("ALTER TABLE", change("altered", "column", "orders.n", before={"not_null": True}, not_null=False))
    assert "NULL" in only("LG504", judged(effect)).what


def test_a_first_default_hurts_nobody() -> None:
    """Nothing was filled in before."""
    assert ids(judged(did("ALTER TABLE", change("altered", "column", "orders.n", before={"default": None}, default="0")))) == set()
