"""An index that stops writers."""

from __future__ import annotations

from effecting import AE, S, build, change, constraint, did, ids, judged, lock, only, scan, size


def test_the_time_follows_from_the_rows() -> None:
    """58 million rows are minutes; the answer is the same statement, concurrently."""
    index = change("added", "index", "orders.ix", columns=["region", "at"], unique=True)
    effect = did("CREATE INDEX", lock(S, "orders"), scan("orders"), build("ix", "orders", unique=True), index)
    found = only("LG206", judged(effect, sizes=(size("orders", rows=58_000_000),)))
    assert found.estimate is not None
    assert (found.severity.value, found.estimate.duration_class, found.blocks) == ("error", "minutes", ("writes", "maintenance"))
    assert 'op.create_index("ix", "orders", ["region", "at"], unique=True, postgresql_concurrently=True)' in found.safer


def test_a_constraint_takes_a_finished_index_over() -> None:
    """CONCURRENTLY does not exist for constraints."""
    made = (change("added", "index", "orders.uq", columns=["number"], unique=True), constraint("unique", "orders.uq"))
    found = only("LG206", judged(did("ALTER TABLE", lock(AE, "orders"), scan("orders"), build("uq", "orders", unique=True), *made)))
    assert 'op.execute("ALTER TABLE orders ADD CONSTRAINT uq UNIQUE USING INDEX uq")' in found.safer


def test_indexes_of_new_tables_are_nobodys() -> None:
    """CREATE TABLE with its indexes is most of what revisions do."""
    made = did("CREATE TABLE", lock(AE, "fresh", new=True), change("added", "table", "fresh"), build("fresh_pkey", "fresh"))
    assert ids(judged(made, did("CREATE INDEX", build("fresh_ix", "fresh")))) == set()


def test_what_create_index_cannot_say_is_sql() -> None:
    """An expression in quotes would be a column that is not there, and a partial index without its predicate another index."""
    definition = "CREATE INDEX ix ON public.orders USING gin (lower(name)) WHERE (total > 0)"
    index = change("added", "index", "orders.ix", columns=["lower(name)"], predicate="(total > 0)", definition=definition)
    found = only("LG206", judged(did("CREATE INDEX", lock(S, "orders"), scan("orders"), build("ix", "orders"), index)))
    assert f'op.execute("{definition.replace("INDEX ix", "INDEX CONCURRENTLY ix")}")' in found.safer


def test_a_name_that_changes_hands_is_the_old_tables() -> None:
    """The copy that takes the name over comes later; the index that is built before stops writers."""
    built = did("CREATE INDEX", lock(S, "orders"), scan("orders"), build("ix", "orders"))
    swap = (did("DROP TABLE", lock(AE, "orders")), did("ALTER TABLE", lock(AE, "orders", new=True)))
    assert "LG206" in ids(judged(built, *swap))
