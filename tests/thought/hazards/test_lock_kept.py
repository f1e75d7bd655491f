"""A lock that outlives its statement."""

from __future__ import annotations

import msgspec
from effecting import AE, RE, column, did, ids, judged, lock, only, scan, size

from lockgate.hazards.findings import Limits

ADD = did("ALTER TABLE", lock(AE, "orders"), column("orders.region", "text"), line=11)
FILL = did("UPDATE", lock(RE, "orders"), scan("orders"), line=12, text="update orders set region = 'eu'")


def test_the_time_is_the_sum_of_the_later_statements() -> None:
    """ADD COLUMN takes a millisecond; the table is gone for as long as the backfill runs."""
    found = only("LG102", judged(ADD, FILL, FILL, sizes=(size("orders", rows=1_000_000),)))
    assert found.estimate is not None
    assert (found.line, round(found.estimate.high_s), round(found.estimate.low_s)) == (11, 100, 11)
    assert "line 12" in found.what
    assert "update orders set region = 'eu'" in found.safer


def test_the_environment_says_what_is_too_long() -> None:
    """A batch database may stand still for an hour, a shop may not for ten seconds."""
    plan, sizes = (ADD, FILL), (size("orders", rows=1_000_000),)
    found = [
        judged(*plan, sizes=sizes, limits=Limits(warning_s=w, error_s=e)).findings[0].severity.value
        for w, e in ((1, 20), (1, 600), (100, 600))
    ]
    assert found == ["error", "warning", "note"]


def test_a_lock_ends_with_its_transaction() -> None:
    """Two revisions are the way out, so they must be clean."""
    later = did("UPDATE", lock(RE, "orders"), scan("orders"), transaction=2)
    assert "LG102" not in ids(judged(ADD, later))


def test_an_empty_table_costs_nothing() -> None:
    """The first deployment of a system has only such."""
    assert "LG102" not in ids(judged(ADD, FILL, sizes=(size("orders", rows=0, heap=0, indexes=0),)))


def test_a_lock_that_a_savepoint_gave_back_is_kept_no_longer() -> None:
    """PostgreSQL lets go of it at ROLLBACK TO SAVEPOINT: the backfill behind a try that failed blocks nobody."""
    elsewhere = did("UPDATE", lock(RE, "items"), scan("items"), line=12, transaction=1)
    freed = msgspec.structs.replace(elsewhere, released=(lock(AE, "orders"),))
    sizes = (size("orders", rows=1_000_000), size("items", rows=1_000_000))
    kept, let_go = (judged(ADD, last, sizes=sizes) for last in (elsewhere, freed))
    assert "LG102" in ids(kept) and "LG102" not in ids(let_go)
    assert [(row.relation, row.first, row.last) for row in kept.timeline] == [("public.orders", 1, 2)]
    assert [(row.relation, row.first, row.last) for row in let_go.timeline] == [("public.orders", 1, 1)]
    assert [(row.first, row.last) for row in judged(ADD, freed, ADD, FILL, sizes=sizes).timeline] == [(1, 1), (3, 4)]
