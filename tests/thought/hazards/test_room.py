"""Room for a copy."""

from __future__ import annotations

from effecting import AE, did, ids, judged, lock, only, rewrite, size

from lockgate.hazards.answers import Preflight

COPY = did("ALTER TABLE", lock(AE, "orders"), rewrite("orders", "type"))


def test_the_room_is_that_of_the_table_with_its_indexes() -> None:
    """A full disk stops more than the migration."""
    found = only("LG804", judged(COPY, sizes=(size("orders", heap=9 * 10**9, indexes=4 * 10**9),)))
    assert (found.severity.value, found.bytes) == ("note", 13 * 10**9)
    assert "13.0 GB" in found.what
    known = judged(COPY, sizes=(size("orders", heap=9 * 10**9, indexes=4 * 10**9),), preflight=Preflight(database_bytes=20 * 10**9))
    assert "the whole database has 20.0 GB" in only("LG804", known).what


def test_small_and_emptied_tables_need_none() -> None:
    """Megabytes fit everywhere, and TRUNCATE copies nothing."""
    assert "LG804" not in ids(judged(COPY, sizes=(size("orders", heap=10**8, indexes=0),)))
    emptied = did("TRUNCATE", lock(AE, "orders"), rewrite("orders", "truncate"))
    assert "LG804" not in ids(judged(emptied, sizes=(size("orders", heap=10**10),)))
