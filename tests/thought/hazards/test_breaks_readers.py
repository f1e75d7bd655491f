"""Names that are gone."""

from __future__ import annotations

from effecting import AE, change, did, drop, ids, judged, lock, only

from lockgate.hazards.answers import Query, Workload


def test_a_renamed_table_can_keep_its_old_name_for_readers() -> None:
    """The release before is still running."""
    effect = did(
        "ALTER TABLE", lock(AE, "clients", original="public.customers"), change("renamed", "table", "clients", old_name="customers")
    )
    found = only("LG501", judged(effect))
    assert (found.severity.value, found.relation) == ("warning", "public.customers")
    assert 'op.execute("CREATE VIEW customers AS SELECT * FROM clients")' in found.safer


def test_a_name_with_a_line_break_stays_in_its_comment() -> None:
    """The advice is pasted into a file that runs."""
    found = only("LG501", judged(did("ALTER TABLE", lock(AE, "orders"), change("renamed", "column", "orders.x", old_name="a\nimport os"))))
    assert all(line.startswith("#") for line in found.safer.splitlines())


def test_what_nobody_knew_may_be_renamed() -> None:
    """The plan made it."""
    assert ids(judged(did("DROP TABLE", change("renamed", "table", "t2", new=True, old_name="t1"), drop("table", "t3", new=True)))) == set()


def test_known_queries_make_it_an_error() -> None:
    """The very queries, and how often they come."""
    effect = did("ALTER TABLE", lock(AE, "orders"), change("renamed", "column", "orders.label", old_name="note"))
    fails = Query(text="select note from orders", calls=812, breaks='column "note" does not exist', state="42703")
    other = Query(text="select f(x) from items", calls=-1, breaks="function f(integer) does not exist", state="42883")
    found = [finding for finding in judged(effect, workload=Workload(known=310, queries=(fails, other))).findings if finding.id == "LG501"]
    assert [(finding.severity.value, finding.relation) for finding in found] == [("error", ""), ("error", "public.orders.note")]
    assert "1 of 310 known queries fails, 812 calls so far: `select note from orders`" in found[1].what
    assert "`select f(x) from items` (function f(integer) does not exist)" in found[0].what
    calm = only("LG501", judged(effect, workload=Workload(known=310)))
    assert (calm.severity.value, "of 310 known queries none does" in calm.what) == ("warning", True)
