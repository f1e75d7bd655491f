"""A lock against everything, by itself."""

from __future__ import annotations

from effecting import AE, column, did, ids, judged, lock, only, rewrite, size


def test_it_says_who_queues_and_stays_a_note() -> None:
    """The queue behind a short lock is what takes sites down, but a plan that fails for each ADD COLUMN is switched off."""
    found = only("LG101", judged(did("ALTER TABLE", lock(AE, "orders"), column("orders.region", "text"))))
    assert (found.severity.value, found.relation, found.lock, found.blocks) == (
        "note",
        "public.orders",
        "ACCESS EXCLUSIVE",
        ("reads", "writes", "maintenance"),
    )
    assert "longest transaction" in found.what


def test_partitions_are_one_finding() -> None:
    """A table with 500 partitions is one thing to the person who reads this."""
    found = judged(did("ALTER TABLE", lock(AE, "events", kind="partitioned table"), lock(AE, "e_2025"), lock(AE, "e_2026")))
    assert "(and 2 more)" in only("LG101", found).what


def test_it_is_silent_where_the_work_under_the_lock_is_told() -> None:
    """The short note beside a rewrite of the same table would only be noise."""
    assert "LG101" not in ids(judged(did("ALTER TABLE", lock(AE, "orders"), rewrite("orders", "type")), sizes=(size("orders"),)))


def test_new_tables_are_nobodys() -> None:
    """Nobody waits for a table that nobody knows."""
    assert ids(judged(did("ALTER TABLE", lock(AE, "fresh", new=True)))) == set()
