"""Revisions in one transaction."""

from __future__ import annotations

from effecting import ids, judged, only, revision


def test_the_second_revision_is_named() -> None:
    """The first has a transaction; the second is in it."""
    found = judged(revision(id="r1"), revision(id="r2", own_transaction=False))
    assert (only("LG601", found).revision, only("LG601", found).severity.value) == ("r2", "warning")
    assert "LG601" not in ids(judged(revision(id="r1"), revision(id="r2")))
