"""Rows that are written, by the word of the target's planner."""

from __future__ import annotations

from effecting import RE, did, ids, judged, lock, only, size

from lockgate.hazards.answers import Answer


def told(count: int, kind: str = "written", unknown: str = "") -> tuple[Answer, ...]:
    """What the planner says of the first statement, which is about `orders`."""
    assert kind in ("written", "deleted")
    return (Answer(revision="r1", number=1, kind=kind, table="public.orders", count=count, unknown=unknown),)  # type: ignore[arg-type]


def test_many_rows_by_an_index_are_as_slow_as_many_rows_without() -> None:
    """`id < 90000` uses the primary key and leads to nine rows of ten; the empty copy cannot know."""
    effect = did("UPDATE", lock(RE, "orders"))
    found = only("LG212", judged(effect, sizes=(size("orders", rows=10_000_000),), answers=told(9_000_000)))
    assert (found.severity.value, found.estimate.high_s if found.estimate else 0) == ("error", 450)
    assert "about 9,000,000 of 10,000,000 rows" in found.what


def test_a_few_rows_are_not_worth_a_word() -> None:
    """An UPDATE by key is what revisions are made of."""
    assert ids(judged(did("UPDATE", lock(RE, "orders")), answers=told(1))) == set()


def test_what_nobody_can_ask_is_said() -> None:
    """A DO block that writes must not look as if it wrote nothing."""
    found = only("LG212", judged(did("DO", lock(RE, "orders")), answers=told(-1, unknown="no planner tells it of DO")))
    assert found.severity.value == "note"
    assert "how many is not known (no planner tells it of DO)" in found.what
