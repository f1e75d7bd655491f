"""What a downgrade takes along."""

from __future__ import annotations

from effecting import column, did, drop, ids, judged, only, revision

UP = revision(did("ALTER TABLE", column("orders.region", "text")))


def test_the_column_that_was_new_holds_data_by_then() -> None:
    """New for the plan, old when somebody goes back."""
    found = judged(UP, back=(revision(did("ALTER TABLE", drop("table column", "orders.region", new=True)), direction="downgrade"),))
    assert (only("LG605", found).severity.value, "public.orders.region" in only("LG605", found).what) == ("note", True)


def test_a_downgrade_that_is_going_to_run_is_judged_as_what_it_is() -> None:
    """Then the drop itself is the finding."""
    found = judged(revision(did("ALTER TABLE", drop("table column", "orders.region")), direction="downgrade"))
    assert "LG605" not in ids(found)
    assert "LG301" in ids(found, "error")
