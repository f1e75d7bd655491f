"""Indexes that are built again."""

from __future__ import annotations

from effecting import SUE, S, build, did, ids, judged, lock, only, scan


def test_reindex_is_told_with_its_concurrent_form() -> None:
    """Not as an index build: there is no index to create."""
    found = judged(did("REINDEX", lock(S, "orders"), scan("orders"), build("orders_pkey", "orders", again=True)))
    assert ids(found) == {"LG207"}
    assert "REINDEX TABLE CONCURRENTLY orders" in only("LG207", found).safer


def test_the_concurrent_form_is_fine() -> None:
    """It is the way out."""
    built = build("orders_pkey", "orders", again=True, concurrently=True)
    assert ids(judged(did("REINDEX", lock(SUE, "orders"), built, concurrently=True, autocommit=True))) == set()
