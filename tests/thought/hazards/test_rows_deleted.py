"""Rows that go."""

from __future__ import annotations

import pytest
from effecting import AE, RE, did, ids, judged, lock, only, rewrite, scan, size

from lockgate.hazards.answers import Answer, Kind


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


@pytest.mark.parametrize(("kind", "words"), [("carried", "go along (ON DELETE CASCADE) by `fk`"), ("unset", "lose what they refer to")])
def test_what_a_delete_takes_from_other_tables_is_counted(kind: Kind, words: str) -> None:
    """Nobody wrote the name of that table; a handful is a slip that can be mended by hand."""
    for count, severity in ((5_000, "error"), (2, "warning")):
        answer = Answer(revision="r1", number=1, kind=kind, table="public.items", subject="fk", count=count)
        found = only("LG303", judged(did("DELETE", lock(RE, "orders")), sizes=(size("items"),), answers=(answer,)))
        assert (found.severity.value, found.relation) == (severity, "public.items")
        assert found.what.startswith(f"{count:,} rows of `public.items`") and words in found.what
    assert "LG303" not in ids(judged(did("DELETE", lock(RE, "orders")), answers=(Answer(revision="r1", number=1, kind=kind, table="public.items", count=0),)))


def test_what_is_deleted_without_an_index_is_estimated_too() -> None:
    """How many rows of it go is what somebody wants to know first; in a WITH it is as gone, and has the same words."""
    for command, count, severity in (("DELETE", 90_000, "error"), ("DELETE", 3, "warning"), ("WITH", 90_000, "error")):
        answers = (Answer(revision="r1", number=1, kind="deleted", table="public.orders", count=count),)
        effect = did(command, lock(RE, "orders"), scan("orders"), text="with gone as (delete from orders returning *) select 1")
        found = judged(effect, sizes=(size("orders", rows=1_000_000),), answers=answers)
        assert (only("LG303", found).severity.value, f"about {count:,} of 1,000,000 rows" in only("LG303", found).what) == (severity, True)
        assert ("BETWEEN" in only("LG210", found).safer) == (command == "DELETE")
