"""NOT NULL without a value."""

from __future__ import annotations

from effecting import AE, column, did, ids, judged, lock, only, size


def test_it_is_foreseen_although_the_empty_scratch_does_not_mind() -> None:
    """Exactly the failure that no empty test database shows."""
    effect = did("ALTER TABLE", lock(AE, "orders"), column("orders.region", "text", not_null=True))
    found = only("LG401", judged(effect, sizes=(size("orders", rows=3),)))
    assert found.severity.value == "error"
    assert 'op.alter_column("orders", "region", nullable=False)' in found.safer
    assert only("LG401", judged(effect, sizes=(size("orders", rows=0),))).severity.value == "note"


def test_a_value_from_somewhere_is_enough() -> None:
    """A default, an identity, an expression; on MariaDB and MySQL the empty value of the type, which rows that are there get in any case."""
    for facts in ({"default": "0"}, {"identity": "a"}, {"generated": "s"}, {"implicit": True}):
        assert "LG401" not in ids(judged(did("ALTER TABLE", lock(AE, "orders"), column("orders.n", "integer", not_null=True, **facts))))
