"""Rows that go."""

from __future__ import annotations

from effecting import AE, RE, did, ids, judged, lock, only, rewrite, scan, size

from lockgate.hazards.answers import Answer


def test_truncate_empties_what_hangs_on_it_too() -> None:
    """CASCADE follows foreign keys."""
    found = judged(did("TRUNCATE", lock(AE, "orders"), lock(AE, "items"), rewrite("orders", "truncate"), rewrite("items", "truncate")))
    told = {finding.relation for finding in found.findings if finding.id == "LG303" and finding.severity.value == "error"}
    assert told == {"public.orders", "public.items"}


def test_a_delete_by_key_is_what_somebody_meant() -> None:
    """One wrong row is taken out: no alarm."""
    assert "LG303" not in ids(judged(did("DELETE", lock(RE, "orders"))))


def test_an_empty_table_loses_nothing() -> None:
    """Told, but not as an error."""
    effect = did("DELETE", lock(RE, "orders"), scan("orders"))
    assert "LG303" not in ids(judged(effect, sizes=(size("orders", rows=0),)), "error")


def test_a_delete_that_an_index_narrows_to_nearly_everything_is_an_error() -> None:
    """The planner of the target knows what the empty copy cannot; a handful of rows is told, but is what somebody meant."""
    for count, severity in ((90_000, "error"), (12_000, "error"), (99, "note")):
        answers = (Answer(revision="r1", number=1, kind="deleted", table="public.orders", count=count),)
        found = only("LG303", judged(did("DELETE", lock(RE, "orders")), sizes=(size("orders", rows=1_000_000),), answers=answers))
        assert (found.severity.value, f"about {count:,} of 1,000,000 rows" in found.what) == (severity, True)
