"""Columns that must be given now."""

from __future__ import annotations

from effecting import AE, EX, change, constraint, did, ids, judged, lock, only, scan
from msgspec import structs

from lockgate.hazards.answers import Query, Workload
from lockgate.hazards.seen import FILE

REQUIRED = change("altered", "column", "orders.region", before={"not_null": False}, not_null=True)


def test_running_code_does_not_know_of_it() -> None:
    """The statement works, the next INSERT fails."""
    found = only("LG502", judged(did("ALTER TABLE", lock(AE, "orders"), scan("orders"), REQUIRED)))
    assert (found.severity.value, found.relation) == ("warning", "public.orders")


def test_not_valid_refuses_new_rows_all_the_same() -> None:
    """Only the old rows are not looked at."""
    later = constraint("not null", "orders.nn", valid=False)
    assert "LG502" in ids(judged(did("ALTER TABLE", lock(AE, "orders"), REQUIRED, later)))


def test_a_check_that_said_it_before_changes_nothing() -> None:
    """The server did not have to read a row, so a valid CHECK proved it."""
    assert "LG502" not in ids(judged(did("ALTER TABLE", lock(AE, "orders"), REQUIRED, constraint("not null", "orders.nn"))))


def test_a_known_insert_makes_it_an_error() -> None:
    """It is no longer a question whether somebody does."""
    effect = did("ALTER TABLE", lock(AE, "orders"), scan("orders"), REQUIRED)
    query = Query(text="insert into orders (id) values ($1)", calls=4000, leaves_out=("public.orders.region",))
    found = only("LG502", judged(effect, workload=Workload(known=9, hours=2.0, queries=(query,))))
    assert found.severity.value == "error"
    assert found.what.endswith("1 of 9 known queries fails, 2,000 calls/h: `insert into orders (id) values ($1)`")
    assert only("LG502", judged(effect, workload=Workload(known=9))).severity.value == "warning"


def test_a_sqlite_file_knows_no_alter_column() -> None:
    """Advice that is pasted has to run where it is given."""
    file = lock(EX, "x")
    file = structs.replace(file, relation=structs.replace(file.relation, name=FILE, kind=FILE))
    safer = only("LG502", judged(did("DROP TABLE", file, scan("orders"), REQUIRED))).safer
    assert safer.endswith('with op.batch_alter_table("orders") as batch:\n    batch.alter_column("region", server_default=...)')
