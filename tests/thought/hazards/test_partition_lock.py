"""Partitions come and go."""

from __future__ import annotations

from effecting import AE, SUE, change, did, ids, judged, lock, only


def test_a_new_partition_locks_its_parent() -> None:
    """CREATE TABLE looks as if it touched nothing that is there."""
    made = change("added", "table", "e_2028", partition_of="public.events", bound="FOR VALUES IN (2028)")
    found = only("LG105", judged(did("CREATE TABLE", lock(AE, "events", kind="partitioned table"), made)))
    assert (found.relation, found.severity.value) == ("public.events", "note")
    assert "ATTACH PARTITION e_2028 FOR VALUES IN (2028)" in found.safer


def test_attaching_and_detaching_concurrently_are_fine() -> None:
    """They are the way out."""
    left = change("altered", "table", "e_2025", before={"partition_of": "public.events"})
    assert "LG105" not in ids(
        judged(did("ALTER TABLE", lock(SUE, "events", kind="partitioned table"), lock(AE, "e_2025"), left, concurrently=True))
    )
    locked = did("ALTER TABLE", lock(AE, "events", kind="partitioned table"), left)
    assert "DETACH PARTITION e_2025 CONCURRENTLY" in only("LG105", judged(locked)).safer
