"""Foreign keys without an index."""

from __future__ import annotations

from effecting import AE, build, change, column, constraint, did, ids, judged, lock, only

KEY = {"kind": "foreign key", "references": "public.orders", "columns": ["order_id"]}
NEW = change("added", "constraint", "items.items_fk", new=True, **KEY)


def test_an_index_is_proposed() -> None:
    """PostgreSQL makes none by itself."""
    found = only("LG701", judged(did("CREATE TABLE", lock(AE, "items", new=True), NEW)))
    assert found.safer == 'op.create_index("ix_items_order_id", "items", ["order_id"])'


def test_any_index_that_begins_with_the_columns_will_do() -> None:
    """Also one that comes later in the plan."""
    index = change("added", "index", "items.ix", new=True, columns=["order_id", "at"])
    assert "LG701" not in ids(judged(did("CREATE TABLE", NEW), did("CREATE INDEX", index, build("ix", "items"))))
    partial = change("added", "index", "items.ix", new=True, columns=["order_id"], predicate="(at > now())")
    assert "LG701" in ids(judged(did("CREATE TABLE", NEW), did("CREATE INDEX", partial)))


def test_of_old_columns_nothing_is_known() -> None:
    """They may have an index since years; a guess would be wrong half of the time."""
    old = constraint("foreign key", "items.items_fk", references="public.orders", columns=["order_id"])
    assert "LG701" not in ids(judged(did("ALTER TABLE", old)))
    assert "LG701" in ids(judged(did("ALTER TABLE", column("items.order_id", "integer")), did("ALTER TABLE", old)))
