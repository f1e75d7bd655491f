"""A copy for a new column's values."""

from __future__ import annotations

from effecting import AE, column, did, judged, lock, only, rewrite, size


def test_the_default_is_set_apart_from_the_column() -> None:
    """Only rows that come later are given it then, and nothing is copied."""
    token = column("orders.token", "uuid", default="gen_random_uuid()")
    found = only(
        "LG202", judged(did("ALTER TABLE", lock(AE, "orders"), rewrite("orders", "default"), token), sizes=(size("orders", heap=10**10),))
    )
    assert found.severity.value == "error"
    assert (
        'op.execute("ALTER TABLE orders ADD COLUMN token uuid")\nop.execute("ALTER TABLE orders ALTER COLUMN token SET DEFAULT gen_random_uuid()")'
        in found.safer
    )


def test_a_stored_column_has_no_default_to_set() -> None:
    """The advice must run."""
    stored = column("orders.upper", "text", default="upper(name)", generated="s")
    assert "SET DEFAULT" not in only("LG202", judged(did("ALTER TABLE", lock(AE, "orders"), rewrite("orders", "default"), stored))).safer
