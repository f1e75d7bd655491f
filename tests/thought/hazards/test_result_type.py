"""Prepared queries that return something else."""

from __future__ import annotations

from effecting import did, ids, judged, only

from lockgate.hazards.answers import Query, Workload

ADD = did("ALTER TABLE")


def test_a_query_with_a_star_is_told_with_its_calls() -> None:
    """One failure per connection looks like a mystery in the morning."""
    queries = (Query(text="select * from orders", calls=5000, retyped=True), Query(text="select 1", breaks="gone", state="42P01"))
    found = only("LG505", judged(ADD, workload=Workload(source="pg_stat_statements", known=310, hours=10.0, queries=queries)))
    assert found.severity.value == "warning"
    assert "1 of 310 known queries returns other columns or types, as `select * from orders` does, 500 calls/h" in found.what


def test_without_such_a_query_nothing_is_said() -> None:
    """Most plans change no result."""
    assert "LG505" not in ids(judged(ADD))
    assert "LG505" not in ids(judged(ADD, workload=Workload(known=3)))
