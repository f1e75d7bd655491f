"""A table that is copied to be changed."""

from __future__ import annotations

from effecting import did, ids, judged, only, rewrite, size


def test_a_batch_is_as_bad_as_its_table_is_large() -> None:
    """A second of waiting is nobody's business, a minute is everybody's."""
    effect = did("DROP TABLE", rewrite("orders", "batch"))
    small = only("LG211", judged(effect, sizes=(size("orders", rows=10, heap=4096, indexes=0),)))
    large = only("LG211", judged(effect, sizes=(size("orders", heap=3_000_000_000),)))
    assert (small.severity.value, large.severity.value) == ("note", "error")
    assert "op.batch_alter_table" in large.safer
    assert "LG203" not in ids(judged(effect))


def test_a_table_of_the_plans_own_is_nobodys() -> None:
    """Nobody waits for it."""
    assert "LG211" not in ids(judged(did("DROP TABLE", rewrite("fresh", "batch", new=True))))


def test_an_alter_that_can_only_be_done_by_a_copy_says_what_else_there_is() -> None:
    """MariaDB and MySQL: writers wait for all of it; what is done in place is nobody's trouble."""
    found = only("LG211", judged(did("ALTER TABLE", rewrite("orders", "copy")), sizes=(size("orders"),)))
    assert "ALGORITHM=COPY" in found.what
    assert "gh-ost" in found.safer
    assert "LOCK=SHARED" in only("LG211", judged(did("CREATE INDEX", rewrite("orders", "in place, writers wait")))).what
    assert "LG203" not in ids(judged(did("ALTER TABLE", rewrite("orders", "in place"))))
    assert "LG211" not in ids(judged(did("ALTER TABLE", rewrite("orders", "in place"))))
