"""Lines that did not run."""

from __future__ import annotations

from effecting import ids, judged, only, revision

from lockgate.hazards.seen import Fault


def test_lines_are_told_as_ranges() -> None:
    """A loop of thirty lines is one thing."""
    found = judged(revision(not_run=(14, 15, 16, 20)))
    assert (only("LG607", found).line, only("LG607", found).severity.value) == (14, "warning")
    assert only("LG607", found).what.startswith("lines 14 to 16, 20 did not run")
    assert found.not_run == tuple(f"migrations/versions/r1.py:{line}" for line in (14, 15, 16, 20))


def test_behind_a_failure_nothing_runs() -> None:
    """The failure is the news."""
    assert "LG607" not in ids(judged(revision(not_run=(14,), fault=Fault(message="no"))))
