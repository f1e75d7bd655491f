"""A type that holds less."""

from __future__ import annotations

import pytest
from effecting import AE, did, ids, judged, lock, only, retyped

from lockgate.hazards.answers import Answer
from lockgate.hazards.rules.narrowed_type import is_narrower


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        ("character varying(50)", "character varying(20)", True),
        ("text", "character varying(20)", True),
        ("character varying(20)", "character varying(50)", False),
        ("character varying(20)", "text", False),
        ("character varying(20)", "character varying", False),
        ("bigint", "integer", True),
        ("integer", "bigint", False),
        ("numeric(10,2)", "numeric(12,2)", False),
        ("numeric(10,2)", "numeric(12,4)", False),
        ("numeric(10,2)", "numeric(10,4)", True),
        ("numeric(10,2)", "numeric(10,1)", True),
        ("numeric", "numeric(10,2)", True),
        ("numeric(10,2)", "numeric", False),
        ("text", "jsonb", False),
    ],
)
def test_types_are_compared_by_what_they_hold(was: str, now: str, expected: bool) -> None:
    """numeric(10,4) has more digits behind the point and fewer before it."""
    assert is_narrower(was, now) is expected


def test_the_column_is_named_in_the_advice() -> None:
    """New values are kept out before old ones are looked at."""
    found = only("LG304", judged(did("ALTER TABLE", lock(AE, "orders"), retyped("orders.nick", "text", "character varying(20)"))))
    assert found.severity.value == "warning"
    assert "CHECK (nick = nick::character varying(20)) NOT VALID" in found.safer


def test_a_wider_type_is_fine() -> None:
    """Most changes of type are."""
    assert "LG304" not in ids(judged(did("ALTER TABLE", lock(AE, "orders"), retyped("orders.id", "integer", "bigint"))))


@pytest.mark.parametrize(("count", "severity"), [(2, "error"), (0, "note"), (-1, "warning")])
def test_the_target_knows_how_many_do_not_fit(count: int, severity: str) -> None:
    """One finding for one column, whatever is known."""
    effect = did("ALTER TABLE", lock(AE, "orders"), retyped("orders.nick", "text", "character varying(20)"))
    unknown = "" if count >= 0 else "too large"
    answer = Answer(revision="r1", number=1, kind="unfit", table="public.orders", subject="nick", count=count, unknown=unknown)
    found = judged(effect, answers=(answer,))
    assert only("LG304", found).severity.value == severity
    assert "LG402" not in ids(found)
