"""A constraint that reads every row."""

from __future__ import annotations

from effecting import AE, SRE, SUE, change, constraint, did, ids, judged, lock, only, scan, size


def test_the_safer_way_for_a_check_is_not_valid_first() -> None:
    """In two revisions, because one keeps the lock."""
    check = constraint("check", "orders.total_ck", definition="CHECK ((total >= 0))")
    found = only("LG204", judged(did("ALTER TABLE", lock(AE, "orders"), scan("orders"), check), sizes=(size("orders", heap=10**10),)))
    assert (found.severity.value, found.rows) == ("error", 1_000_000)
    assert 'op.execute("ALTER TABLE orders ADD CONSTRAINT total_ck CHECK ((total >= 0)) NOT VALID")' in found.safer
    assert 'op.execute("ALTER TABLE orders VALIDATE CONSTRAINT total_ck")' in found.safer


def test_the_safer_way_for_not_null_is_a_check_that_proves_it() -> None:
    """SET NOT NULL reads nothing where one does."""
    required = change("altered", "column", "orders.total", before={"not_null": False}, not_null=True)
    found = only("LG204", judged(did("ALTER TABLE", lock(AE, "orders"), scan("orders"), required)))
    assert 'op.alter_column("orders", "total", nullable=False)' in found.safer


def test_a_foreign_key_is_told_at_its_own_table() -> None:
    """Both tables are read; the one that is altered is the one to look for."""
    key = constraint(
        "foreign key",
        "orders.o_fk",
        references="public.customers",
        columns=["customer_id"],
        definition="FOREIGN KEY (c) REFERENCES customers(id)",
    )
    found = only("LG204", judged(did("ALTER TABLE", lock(SRE, "customers"), lock(SRE, "orders"), scan("customers"), scan("orders"), key)))
    assert found.relation == "public.orders"
    assert "public.customers" in found.what


def test_validating_by_itself_lets_writers_go_on() -> None:
    """It is the way out."""
    valid = change("altered", "constraint", "orders.total_ck", before={"valid": False}, valid=True)
    assert ids(judged(did("ALTER TABLE", lock(SUE, "orders"), scan("orders"), valid))) == set()
