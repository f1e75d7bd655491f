"""Downgrades that were tried."""

from __future__ import annotations

import pytest
from effecting import change, column, did, ids, judged, only, revision

from lockgate.hazards.effects import Effect
from lockgate.hazards.seen import Change, Fault

ADDED = column("orders.region", "text")
GONE = change("dropped", "column", "orders.region", before={"type": "text"})


LEFT = change("added", "column", "orders.other", type="text")
GUILTY = revision(did("ALTER TABLE", column("orders.other", "text")), id="r2")


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ((ADDED,), (GONE,)),
        ((ADDED, change("altered", "column", "orders.region", before={"not_null": False}, not_null=True)), (GONE,)),
        ((change("renamed", "column", "orders.b", old_name="a"),), (change("renamed", "column", "orders.a", old_name="b"),)),
        (
            (change("altered", "column", "orders.n", before={"type": "integer"}, type="bigint"),),
            (change("altered", "column", "orders.n", before={"type": "bigint"}, type="integer"),),
        ),
        (
            (change("dropped", "index", "orders.ix", before={"columns": ["a"]}),),
            (change("added", "index", "orders.ix", columns=["a"]),),
        ),
    ],
)
def test_an_inverse_is_known_as_one(up: tuple[Change, ...], down: tuple[Change, ...]) -> None:
    """However many steps it takes."""
    back = (revision(id="r2", direction="downgrade"), revision(did("ALTER TABLE", *down), direction="downgrade"))
    assert only("LG604", judged(revision(did("ALTER TABLE", *up)), GUILTY, back=back, unrestored=(LEFT,))).revision == "r2"


@pytest.mark.parametrize(
    ("up", "down", "word"),
    [
        ((ADDED,), (), "does nothing"),
        ((ADDED, column("orders.more", "text")), (did("ALTER TABLE", GONE),), "column orders.more stays"),
        (
            (change("dropped", "index", "orders.ix", before={"columns": ["a"]}),),
            (did("CREATE INDEX", change("added", "index", "orders.ix", columns=["b"])),),
            "index orders.ix is not as before",
        ),
        ((change("dropped", "table", "old"),), (did("CREATE TABLE", change("added", "table", "other")),), "table old is not back"),
    ],
)
def test_what_is_not_restored_is_named(up: tuple[Change, ...], down: tuple[Effect, ...], word: str) -> None:
    """In an emergency it is too late to find out."""
    found = judged(revision(did("ALTER TABLE", *up)), back=(revision(*down, direction="downgrade"),), unrestored=(LEFT,))
    assert only("LG604", found).severity.value == "warning"
    assert word in only("LG604", found).what


def test_of_a_table_that_is_not_back_no_column_is_named() -> None:
    """Its columns and keys would fill the line, and nobody would read of the next table."""
    old = [change("dropped", kind, name) for kind, name in (("column", "old.a"), ("constraint", "old.pk"), ("table", "old"), ("view", "seen"))]
    new = [change("added", "table", "fresh"), change("added", "column", "fresh.a", new=True)]
    back = revision(did("ALTER TABLE", GONE), direction="downgrade")
    found = only("LG604", judged(revision(did("DROP TABLE", *old, *new, ADDED)), back=(back,), unrestored=(LEFT,)))
    assert found.what.endswith("schema: table old is not back, view seen is not back, table fresh stays")


def test_a_downgrade_that_fails_is_told_and_not_judged() -> None:
    """What a downgrade would lock is not what an upgrade does."""
    found = judged(
        revision(did("ALTER TABLE", ADDED)), back=(revision(direction="downgrade", fault=Fault(message="NotImplementedError", line=30)),)
    )
    assert (only("LG604", found).line, "NotImplementedError" in only("LG604", found).what) == (30, True)


def test_where_no_downgrade_was_tried_nothing_is_said() -> None:
    """Silence about what is not known, and the tracer may not have tried."""
    assert "LG604" not in ids(judged(revision(did("ALTER TABLE", ADDED))))
    assert "LG604" not in ids(judged(revision(did("ALTER TABLE", ADDED)), unrestored=(LEFT,)))  # another line of the history has no way back to here


def test_the_schema_at_the_end_has_the_last_word() -> None:
    """What the server says is there counts, not what single steps look like."""
    up, nothing = revision(did("ALTER TABLE", ADDED)), revision(direction="downgrade")
    assert "LG604" not in ids(judged(up, back=(nothing,)))
    restored = revision(did("ALTER TABLE", GONE), direction="downgrade")
    assert "column orders.other" in only("LG604", judged(up, back=(restored,), unrestored=(LEFT,))).what
