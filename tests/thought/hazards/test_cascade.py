"""What nobody named."""

from __future__ import annotations

from effecting import AE, did, drop, judged, lock, only


def test_a_column_that_goes_with_its_type_is_an_error() -> None:
    """The statement does not even name the table."""
    effect = did("DROP TYPE", lock(AE, "orders"), drop("type", "mood"), drop("table column", "orders.mood", named=False, cascade=True))
    found = only("LG302", judged(effect))
    assert (found.severity.value, found.relation) == ("error", "public.orders.mood")


def test_a_view_is_a_warning_and_can_be_named() -> None:
    """It holds no rows."""
    found = only("LG302", judged(did("DROP TABLE", drop("table", "orders"), drop("view", "sales", named=False, cascade=True))))
    assert found.severity.value == "warning"
    assert 'op.execute("DROP VIEW public.sales")' in found.safer


def test_what_belongs_to_the_named_thing_is_no_news() -> None:
    """The index of a dropped table goes with it, CASCADE or not."""
    found = judged(did("DROP TABLE", drop("table", "orders"), drop("index", "orders_pkey", named=False)))
    assert [finding.relation for finding in found.findings if finding.id == "LG302"] == []
