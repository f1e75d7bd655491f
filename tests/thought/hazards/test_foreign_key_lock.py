"""The other end of a foreign key."""

from __future__ import annotations

from effecting import AE, SRE, change, constraint, did, ids, judged, lock, only, scan, size

KEY = {"kind": "foreign key", "references": "public.customers", "columns": ["customer_id"]}


def test_a_new_table_locks_the_old_one_it_refers_to() -> None:
    """New tables are nobody's, which hides that this one stops the writers of another."""
    key = change("added", "constraint", "audit.audit_fk", new=True, **KEY)
    found = only("LG104", judged(did("CREATE TABLE", lock(AE, "audit", new=True), lock(SRE, "customers"), key)))
    assert (found.relation, found.lock, found.blocks, found.severity.value) == (
        "public.customers",
        "SHARE ROW EXCLUSIVE",
        ("writes", "maintenance"),
        "note",
    )


def test_it_is_as_bad_as_the_check_under_it_takes() -> None:
    """The referenced table waits for the scan of the referencing one."""
    key = constraint("foreign key", "orders.o_fk", references="public.customers", columns=["customer_id"])
    found = only(
        "LG104",
        judged(
            did("ALTER TABLE", lock(SRE, "customers"), lock(SRE, "orders"), scan("orders"), key),
            sizes=(size("orders", heap=10**11), size("customers")),
        ),
    )
    assert found.severity.value == "error"


def test_dropping_a_table_locks_what_it_refers_to() -> None:
    """Nothing in DROP TABLE names that table."""
    gone = (change("dropped", "table", "items"), change("dropped", "constraint", "items.items_fk", before=KEY))
    found = only("LG104", judged(did("DROP TABLE", lock(AE, "items"), lock(AE, "customers"), *gone)))
    assert found.relation == "public.customers"
    assert 'op.drop_constraint("items_fk", "items", type_="foreignkey")' in found.safer


def test_a_key_to_itself_has_no_other_end() -> None:
    """A tree in one table is told as a lock on that table."""
    key = constraint("foreign key", "customers.parent_fk", references="public.customers", columns=["parent"])
    assert "LG104" not in ids(judged(did("ALTER TABLE", lock(SRE, "customers"), key)))
