"""A change of type that copies nothing and reads everything."""

from __future__ import annotations

from effecting import AE, build, change, did, ids, judged, lock, only, retyped, rewrite, scan

WIDER = retyped("orders.nick", "character varying(50)", "character varying(100)")


def test_a_check_on_the_column_is_checked_again() -> None:
    """The same change is free without the CHECK, which only the database knows of."""
    found = judged(did("ALTER TABLE", lock(AE, "orders"), scan("orders"), WIDER, change("recreated", "constraint", "orders.nick_ck")))
    assert 'op.execute("ALTER TABLE orders DROP CONSTRAINT nick_ck")' in only("LG209", found).safer
    assert not {"LG204", "LG206"} & ids(found)


def test_an_index_that_is_built_again_is_told_here_too() -> None:
    """Another collation, for example."""
    found = judged(did("ALTER TABLE", lock(AE, "orders"), WIDER, build("orders_nick", "orders", again=True)))
    assert ids(found) == {"LG209"}


def test_a_copied_table_is_told_once() -> None:
    """The copy includes its own checks; another table's foreign key does not."""
    effect = did(
        "ALTER TABLE",
        lock(AE, "orders"),
        lock(AE, "items"),
        rewrite("orders", "type"),
        scan("items"),
        retyped("orders.id", "integer", "bigint"),
    )
    assert only("LG209", judged(effect)).relation == "public.items"
