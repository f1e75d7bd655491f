"""NOT VALID that gains nothing."""

from __future__ import annotations

from effecting import AE, SUE, change, constraint, did, ids, judged, lock, only, scan

MADE = did("ALTER TABLE", lock(AE, "orders"), constraint("check", "orders.ck", valid=False), line=11)
VALID = change("altered", "constraint", "orders.ck", before={"valid": False}, valid=True)


def test_the_lock_of_the_first_is_held_during_the_second() -> None:
    """People do the right two steps in the wrong one transaction."""
    found = judged(MADE, did("ALTER TABLE", lock(SUE, "orders"), scan("orders"), VALID, line=12))
    assert (only("LG205", found).line, only("LG205", found).lock) == (12, "ACCESS EXCLUSIVE")
    assert "VALIDATE CONSTRAINT ck" in only("LG205", found).safer
    assert "LG102" not in ids(found)


def test_two_transactions_are_fine() -> None:
    """Nothing else is to be done."""
    assert "LG205" not in ids(judged(MADE, did("ALTER TABLE", lock(SUE, "orders"), scan("orders"), VALID, transaction=2)))
