"""Steps that are committed one by one."""

from __future__ import annotations

from effecting import did, ids, judged, only


def test_two_steps_outside_can_stop_between() -> None:
    """The next run begins again, and the first index is there already."""
    outside = did("CREATE INDEX", autocommit=True, concurrently=True, line=12)
    found = only("LG603", judged(did("ALTER TABLE"), outside))
    assert (found.severity.value, found.line) == ("note", 12)
    assert "1 of 2 steps" in found.what


def test_a_single_step_is_whole_or_not_there() -> None:
    """Looking and VACUUM do not count."""
    one = did("CREATE INDEX", autocommit=True, concurrently=True)
    assert "LG603" not in ids(judged(one, did("VACUUM", autocommit=True), did("SELECT")))
