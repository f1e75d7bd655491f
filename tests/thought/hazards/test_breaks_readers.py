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
    once = Query(text="update orders set note = $1", calls=1, breaks='column "note" does not exist', state="42703")
    past = only("LG501", judged(effect, workload=Workload(known=310, queries=(once,))))
    assert (past.severity.value, "run once since counting began" in past.what) == ("warning", True)
    calm = only("LG501", judged(effect, workload=Workload(known=310)))
    assert (calm.severity.value, "of 310 known queries none does" in calm.what) == ("warning", True)


def test_a_view_that_is_made_again_in_its_transaction_breaks_nobody() -> None:
    """No column of a table changes its type under a view otherwise; who asks meanwhile waits, and finds it again."""
    gone = did(
        "DROP MATERIALIZED VIEW", lock(AE, "sales", kind="materialized view"), drop("materialized view", "sales"),
        change("dropped", "materialized view", "sales"), change("dropped", "column", "sales.n"), change("dropped", "column", "sales.total"),
    )  # fmt: skip
    added = (change("added", "materialized view", "sales"), change("added", "column", "sales.n", new=True))
    whole = did("CREATE MATERIALIZED VIEW", *added, change("added", "column", "sales.total", new=True))
    assert ids(judged(gone, whole)) & {"LG301", "LG501"} == set()
    found = judged(gone, did("CREATE MATERIALIZED VIEW", *added))
    assert "names `total` of `public.sales`, which is made again without that, fails" in only("LG501", found).what
    assert "LG301" not in ids(found)  # its rows are computed, and are again
    later = did("CREATE MATERIALIZED VIEW", *added, transaction=2)
    assert {"LG301", "LG501"} <= ids(judged(gone, later))


def test_a_function_that_is_made_again_breaks_nobody() -> None:
    """CREATE OR REPLACE refuses another result."""
    gone = did("DROP FUNCTION", change("dropped", "function", "f(integer)"), drop("function", "f(integer)"))
    assert "LG501" in ids(judged(gone, did("CREATE FUNCTION", change("added", "function", "f(text)"))))
    assert "LG501" not in ids(judged(gone, did("CREATE FUNCTION", change("added", "function", "f(integer)"))))
