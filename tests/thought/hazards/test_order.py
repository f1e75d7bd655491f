"""The order of findings, and what a plan may be stopped for."""

from __future__ import annotations

import pytest
from effecting import AE, RE, change, column, did, drop, judged, lock, rewrite, scan, size

from lockgate.hazards.findings import Findings, Limits

LONG = did("ALTER TABLE", lock(AE, "orders"), rewrite("orders", "type"), line=1)
LONGER = did("ALTER TABLE", lock(AE, "items"), rewrite("items", "type"), line=2, transaction=2)
LOSS = did("ALTER TABLE", change("dropped", "column", "users.note"), drop("table column", "users.note"), line=3, transaction=3)
SHORT = did("ALTER TABLE", lock(AE, "users"), column("users.x", "text"), line=4, transaction=4)
SIZES = (size("orders", heap=4 * 10**9), size("items", heap=9 * 10**9), size("users"))


@pytest.fixture(scope="module")
def plan() -> Findings:
    """A loss, two long copies, a short lock."""
    return judged(SHORT, LONG, LONGER, LOSS, sizes=SIZES)


def test_loss_comes_before_length_and_length_before_the_order_of_the_plan(plan: Findings) -> None:
    """Only the first lines are read at three in the morning."""
    told = [(finding.severity.value, finding.id, finding.line) for finding in plan.findings if finding.id != "LG804"]
    assert told == [("error", "LG301", 3), ("error", "LG201", 2), ("error", "LG201", 1), ("warning", "LG501", 3), ("note", "LG101", 4)]


@pytest.mark.parametrize(
    ("on", "stops"),
    [("error", True), ("warning", True), ("note", True), ("LG201", True), ("rewrite-type", True), ("LG210", False), ("mass-write", False)],
)
def test_a_plan_stops_for_what_was_asked(plan: Findings, on: str, stops: bool) -> None:
    """By severity, or for one hazard that a team does not want at all."""
    assert plan.fails(on) is stops


def test_a_severity_includes_the_worse_ones() -> None:
    """A build that fails for warnings must not pass an error."""
    notes = judged(SHORT)
    assert [notes.fails(on) for on in ("note", "warning", "error")] == [True, False, False]
    assert judged(LOSS).fails("warning")


def test_the_limits_are_the_environments() -> None:
    """The same copy is nothing at night and an outage at noon."""
    found = [judged(LONG, sizes=SIZES, limits=Limits(warning_s=low, error_s=high)) for low, high in ((1, 60), (1, 600), (300, 600))]
    assert [judgement.worst.value for judgement in found if judgement.worst] == ["error", "warning", "note"]


def test_a_table_is_blocked_from_its_lock_to_the_commit() -> None:
    """The picture must show the sum, not the statement."""
    add = did("ALTER TABLE", lock(AE, "users"), column("users.x", "text"))
    fill = did("UPDATE", lock(RE, "orders"), scan("orders"))
    (blocked,) = judged(add, fill, sizes=(size("users"), size("orders", rows=2_000_000))).timeline
    assert (blocked.relation, blocked.first, blocked.last, blocked.begins_s, blocked.ends_s) == ("public.users", 1, 2, 0.0, 100.0)


def test_one_unknown_size_makes_the_sum_unknown() -> None:
    """Part of a sum looks like the whole."""
    (blocked,) = judged(
        did("ALTER TABLE", lock(AE, "users")), did("UPDATE", lock(RE, "orders"), scan("orders")), sizes=(size("users"),)
    ).timeline
    assert (blocked.begins_s, blocked.ends_s, blocked.low_s) == (None, None, None)


def test_a_table_that_was_never_analysed_has_the_rows_of_its_bytes() -> None:
    """-1 rows would be no work at all."""
    fill = did("UPDATE", lock(RE, "orders"), scan("orders"))
    (found,) = judged(fill, sizes=(size("orders", rows=-1, heap=10**9),)).findings
    assert (found.rows, found.severity.value) == (10_000_000, "error")
