"""Data that goes."""

from __future__ import annotations

from effecting import AE, change, did, drop, ids, judged, lock, only, size

from lockgate.hazards.answers import Answer

EFFECT = did("ALTER TABLE", lock(AE, "orders"), change("dropped", "column", "orders.note"), drop("table column", "orders.note"))


def test_rows_make_it_an_error() -> None:
    """There is no rollback of a committed DROP."""
    found = only("LG301", judged(EFFECT, sizes=(size("orders", rows=5),)))
    assert (found.severity.value, found.relation, found.rows) == ("error", "public.orders.note", 5)


def test_an_unknown_size_is_taken_for_rows() -> None:
    """Not knowing is no reason to be calm."""
    assert only("LG301", judged(EFFECT)).severity.value == "error"


def test_an_empty_table_is_a_note() -> None:
    """The statistics say that nothing is lost."""
    assert only("LG301", judged(EFFECT, sizes=(size("orders", rows=0),))).severity.value == "note"


def test_what_the_plan_made_itself_may_go() -> None:
    """A helper table of a data migration."""
    assert "LG301" not in ids(judged(did("DROP TABLE", drop("table", "helper", new=True))))


def test_the_values_that_go_are_counted() -> None:
    """A column that is NULL everywhere is no loss, however many rows there are."""
    def answer(count: int) -> Answer:
        return Answer(revision="r1", number=1, kind="values", table="public.orders", subject="note", count=count)

    found = only("LG301", judged(EFFECT, sizes=(size("orders"),), answers=(answer(7),)))
    assert (found.severity.value, "(7 values today)" in found.what) == ("error", True)
    assert only("LG301", judged(EFFECT, sizes=(size("orders"),), answers=(answer(0),))).severity.value == "note"


def test_a_generated_column_can_be_computed_again() -> None:
    """Nothing is stored in it that is not in other columns."""
    for generated, told in (("s", False), ("", True)):
        gone = change("dropped", "column", "orders.line", before={"type": "numeric", "generated": generated})
        effect = did("ALTER TABLE", lock(AE, "orders"), gone, drop("table column", "orders.line"))
        assert ("LG301" in ids(judged(effect, sizes=(size("orders", rows=5),)))) is told


def test_a_column_of_a_partitioned_table_is_told_once() -> None:
    """With a partition a month the same sentence would be there a hundred times."""
    drops = [drop("table column", f"{name}.body") for name in ("events", "events_2025", "events_2026")]
    locks = [lock(AE, "events", kind="partitioned table"), lock(AE, "events_2025"), lock(AE, "events_2026")]
    found = judged(did("ALTER TABLE", *locks, *drops, text="ALTER TABLE events DROP COLUMN body")).findings
    assert [(finding.id, finding.relation) for finding in found if finding.id in ("LG301", "LG501")] == [
        ("LG301", "public.events.body"), ("LG501", "public.events.body"),
    ]  # fmt: skip
    apart = judged(did("DO", lock(AE, "a"), lock(AE, "b"), drop("table column", "a.x"), drop("table column", "b.x")))
    assert [finding.id for finding in apart.findings].count("LG301") == 2
