"""Rows that break a constraint."""

from __future__ import annotations

from effecting import did, judged, only

from lockgate.hazards.seen import Fault


def test_duplicates_on_the_scratch_are_duplicates_on_the_target() -> None:
    """The rows come from the revisions themselves."""
    found = only("LG402", judged(did("CREATE INDEX", Fault(message='could not create unique index "uq"', state="23505"))))
    assert (found.severity.value, "23505" in found.what) == ("error", True)
