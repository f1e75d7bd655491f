"""A copy for a new type."""

from __future__ import annotations

from effecting import AE, did, ids, judged, lock, only, retyped, rewrite, size

CHANGE = did("ALTER TABLE", lock(AE, "orders"), rewrite("orders", "type", 3), retyped("orders.Total Sum", "integer", "bigint"))


def test_size_makes_the_difference_between_a_note_and_an_error() -> None:
    """10 MB are copied in a blink, 80 GB in an hour."""
    small, large = (judged(CHANGE, sizes=(size("orders", heap=heap, indexes=0),)) for heap in (10**7, 8 * 10**10))
    assert only("LG201", small).severity.value == "note"
    found = only("LG201", large)
    assert found.estimate is not None
    assert (found.severity.value, found.estimate.duration_class, found.bytes) == ("error", "minutes", 8 * 10**10)


def test_the_safer_way_has_the_users_own_names() -> None:
    """It is pasted, so that names must be quoted where SQL wants it."""
    found = only("LG201", judged(CHANGE))
    assert found.severity.value == "warning"
    assert found.safer.splitlines()[0] == r'op.execute("ALTER TABLE orders ADD COLUMN \"Total Sum_new\" bigint")'
    assert "3 indexes" in found.what
    compile(found.safer, "snippet", "exec")


def test_a_change_of_type_that_copies_nothing_is_no_finding() -> None:
    """Linters cry for each change of type; most are free."""
    assert "LG201" not in ids(judged(did("ALTER TABLE", lock(AE, "orders"), retyped("orders.nick", "character varying(50)", "text"))))
