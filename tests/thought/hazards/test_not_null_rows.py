"""NOT NULL without a value."""

from __future__ import annotations

from effecting import AE, change, column, did, ids, judged, lock, only, size

from lockgate.hazards.answers import Answer


def test_it_is_foreseen_although_the_empty_scratch_does_not_mind() -> None:
    """Exactly the failure that no empty test database shows."""
    effect = did("ALTER TABLE", lock(AE, "orders"), column("orders.region", "text", not_null=True))
    found = only("LG401", judged(effect, sizes=(size("orders", rows=3),)))
    assert found.severity.value == "error"
    assert 'op.alter_column("orders", "region", nullable=False)' in found.safer
    assert only("LG401", judged(effect, sizes=(size("orders", rows=0),))).severity.value == "note"


def test_a_value_from_somewhere_is_enough() -> None:
    """A default, an identity, an expression."""
    for facts in ({"default": "0"}, {"identity": "a"}, {"generated": "s"}):
        assert "LG401" not in ids(judged(did("ALTER TABLE", lock(AE, "orders"), column("orders.n", "integer", not_null=True, **facts))))


def nulls(count: int, **facts: object) -> Answer:
    """What the target says about `orders.region`."""
    return Answer(revision="r1", number=1, kind="nulls", table="public.orders", subject="region", count=count, **facts)  # type: ignore[arg-type]


def test_rows_without_a_value_are_counted() -> None:
    """SET NOT NULL reads the whole table under lock before it fails."""
    effect = did("ALTER TABLE", lock(AE, "orders"), change("altered", "column", "orders.region", before={"not_null": False}, not_null=True))
    found = only("LG401", judged(effect, answers=(nulls(1200),)))
    assert (found.severity.value, found.relation) == ("error", "public.orders")
    assert found.what.startswith("1,200 rows without a value in `public.orders.region` today")
    assert "LG401" not in ids(judged(effect, answers=(nulls(0),)))
    mended = only("LG401", judged(effect, answers=(nulls(3, written="r1 line 9"),)))
    assert (mended.severity.value, "unless r1 line 9 mends that" in mended.what) == ("warning", True)


def test_what_is_not_known_is_said() -> None:
    """Silence would look like a clean table."""
    effect = did("ALTER TABLE", lock(AE, "orders"), change("altered", "column", "orders.region", before={"not_null": False}, not_null=True))
    found = only("LG401", judged(effect, answers=(nulls(-1, unknown="too large"),)))
    assert (found.severity.value, "how many is not known (too large)" in found.what) == ("warning", True)
    planned = only("LG401", judged(effect, answers=(nulls(-1, unknown="the plan fills it", planned=True),)))
    assert planned.severity.value == "note"


def test_the_rows_of_today_beat_the_statistics() -> None:
    """A table that was never analysed, or was filled since."""
    effect = did("ALTER TABLE", lock(AE, "orders"), column("orders.region", "text", not_null=True))
    rows = Answer(revision="r1", number=1, kind="rows", table="public.orders", subject="region", count=5)
    found = only("LG401", judged(effect, sizes=(size("orders", rows=0),), answers=(rows,)))
    assert (found.severity.value, "has 5 rows" in found.what) == ("error", True)
