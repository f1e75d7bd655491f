"""Statements that look harmless."""

from __future__ import annotations

from effecting import AE, SRE, change, did, ids, judged, lock, only, rewrite, size


def test_a_trigger_stops_writers() -> None:
    """Until the transaction ends, which may do more."""
    found = only("LG106", judged(did("CREATE TRIGGER", lock(SRE, "orders"), change("added", "trigger", "orders.touch"))))
    assert (found.severity.value, found.lock) == ("note", "SHARE ROW EXCLUSIVE")


def test_a_refresh_is_as_bad_as_it_is_long() -> None:
    """Readers of the view wait for the whole query."""
    view = {"kind": "materialized view"}
    effect = did("REFRESH MATERIALIZED VIEW", lock(AE, "sales", **view), rewrite("sales", "new file", **view))
    found = judged(effect, sizes=(size("sales", heap=10**11),))
    assert only("LG106", found).severity.value == "error"
    assert "CONCURRENTLY sales" in only("LG106", found).safer
    assert ids(found) == {"LG106", "LG804"}
