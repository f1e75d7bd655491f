"""Standbys."""

from __future__ import annotations

from effecting import AE, SUE, did, ids, judged, lock, only, rewrite, size

from lockgate.hazards.answers import Preflight, Standby

LOCK = did("ALTER TABLE", lock(AE, "orders"))


def behind(seconds: float) -> Preflight:
    """A target with one standby."""
    return Preflight(standbys=(Standby(name="replica", lag_s=seconds),))


def test_a_standby_is_a_note_once_and_a_late_one_a_warning() -> None:
    """Reports on the standby are ended by a lock that was short on the primary."""
    found = only("LG803", judged(LOCK, LOCK, preflight=behind(-1)))
    assert (found.severity.value, found.relation) == ("note", "public.orders")
    late = only("LG803", judged(LOCK, preflight=behind(90)))
    assert (late.severity.value, "`replica` (90 s behind)" in late.what) == ("warning", True)


def test_a_large_copy_is_a_warning() -> None:
    """All of it goes through WAL."""
    copy = did("ALTER TABLE", lock(AE, "orders"), rewrite("orders", "type"))
    assert only("LG803", judged(copy, sizes=(size("orders"),), preflight=behind(0))).severity.value == "warning"


def test_weak_locks_and_lone_servers_are_silent() -> None:
    """Only ACCESS EXCLUSIVE is replayed."""
    assert "LG803" not in ids(judged(did("VACUUM", lock(SUE, "orders")), preflight=behind(0)))
    assert "LG803" not in ids(judged(LOCK, preflight=Preflight()))
