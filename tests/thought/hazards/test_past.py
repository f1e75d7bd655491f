"""Estimates by what earlier upgrades of the same database took."""

from __future__ import annotations

import pytest
from effecting import AE, RE, build, did, judged, lock, only, revision, rewrite, scan, size
from hypothesis import given
from hypothesis import strategies as st

from lockgate.hazards.effects import Effects, read_effects, write_effects
from lockgate.hazards.findings import Estimate, Findings
from lockgate.hazards.past import BASIS, RATES, Ran, Work, seconds
from lockgate.hazards.plan import recorded_work

COPY = did("ALTER TABLE", lock(AE, "orders"), rewrite("orders", "type"))  # of 1.5 GB: 12.5 to 50 s by the built-in rates
GB = 1_000_000_000
AT = "2026-11-02T10:00:00Z"


def ran(took: float, name: str = "r0", *, pending: bool = False, work: Work | None = None) -> Ran:
    """An upgrade of this database."""
    return Ran(revision=name, at=AT, seconds=took, work=work, pending=pending)


def copied(*past: Ran) -> tuple[Findings, Estimate]:
    """Judge the copy of a table of 1.5 GB, with a past."""
    found = judged(COPY, sizes=(size("orders"),), past=past)
    estimate = only("LG201", found).estimate
    assert estimate is not None
    return found, estimate


BIG = Work(rewrite_bytes=GB)  # 33.3 s by the slow rate


@pytest.mark.parametrize(
    ("past", "low", "high", "basis"),
    [
        ((), 12.5, 50.0, BASIS),
        # This server needs 3 s for a GB, so about 4.5 s for one and a half.
        ((ran(3.0, work=BIG),), 2.7, 6.3, "rewrite at the pace of r0: r0 took 3 s here on 2026-11-02"),
        ((ran(3.0, work=BIG), ran(6.0, "r00", work=BIG)), 2.7, 12.6, "rewrite at the pace of r0 and 1 more: r0 took 3 s here on 2026-11-02"),
        ((ran(3.2, "r1", pending=True, work=BIG),), 2.88, 6.72, "r1 took 3.2 s here on 2026-11-02, scaled by size"),
        ((ran(9.0, work=BIG), ran(3.2, "r1", pending=True, work=BIG)), 2.88, 6.72, "r1 took 3.2 s here on 2026-11-02, scaled by size"),
        # Narrower rows may be as many: as long as the last time, at most.
        ((ran(3.2, "r1", pending=True, work=Work(rewrite_bytes=4 * GB)),), 0.72, 4.48, "r1 took 3.2 s here on 2026-11-02, scaled by size"),
        # What proves nothing: moments, other work, a table a hundred times smaller.
        ((ran(0.2, work=BIG),), 12.5, 50.0, BASIS),
        ((ran(3.0, work=Work(scan_bytes=10 * GB, rewrite_bytes=GB // 10)),), 12.5, 50.0, BASIS),
        ((ran(3.0, work=Work(rewrite_bytes=GB // 100)),), 12.5, 50.0, BASIS),
        # A time of tables of unknown size makes it worse, and never better.
        ((ran(3.2, "r1", pending=True),), 12.5, 50.0, BASIS),
        ((ran(80.0),), 12.5, 50.0, BASIS),
    ],
)
def test_the_own_past_goes_before_built_in_rates(past: tuple[Ran, ...], low: float, high: float, basis: str) -> None:
    """A database on fast disks is not judged by those of a slow one; and what was measured on another amount says nothing."""
    _, estimate = copied(*past)
    assert (estimate.low_s, estimate.high_s, estimate.basis) == (pytest.approx(low), pytest.approx(high), (basis,))


def test_a_time_that_its_work_does_not_explain_is_no_pace() -> None:
    """Half a minute and two pages: a new table was filled, or a function of the project ran; none of that is work that is counted."""
    estimate = seconds(Work(rewrite_bytes=163_840), "r9", (ran(30.0, work=Work(rewrite_bytes=16_384)),))
    assert estimate.basis == (BASIS,) and (estimate.high_s or 0) < 1


def test_a_revision_that_took_long_here_is_not_told_to_be_quick() -> None:
    """The rates know nothing of a trigger on each row; the ledger has seen it."""
    found, estimate = copied(ran(80.0, "r1", pending=True))
    assert (estimate.low_s, estimate.high_s) == (12.5, 80.0)
    assert estimate.basis == (BASIS, "r1 took 80 s here on 2026-11-02, with tables of a size that nobody knows")
    assert (only("LG201", found).severity.value, found.timeline[0].ends_s) == ("error", 80.0)


def test_statements_share_the_time_of_their_revision() -> None:
    """Two copies of one size took 200 s together: each is taken to have needed half."""
    other = did("ALTER TABLE", lock(AE, "items"), rewrite("items", "type"), line=11)
    found = judged(COPY, other, sizes=(size("orders"), size("items")), past=(ran(200.0, "r1", pending=True),))
    assert [one.estimate and one.estimate.high_s for one in found.findings if one.id == "LG201"] == [100.0, 100.0]
    assert max(row.ends_s or 0 for row in found.timeline) == 200.0


def test_each_kind_of_work_has_its_own_basis() -> None:
    """Index builds were seen here, updates were not."""
    fill = did("UPDATE", lock(RE, "orders"), scan("orders"))
    sizes, past = (size("orders", rows=1_000_000),), (ran(3.0, work=BIG),)
    assert only("LG210", judged(fill, sizes=sizes, past=past)).estimate == only("LG210", judged(fill, sizes=sizes)).estimate
    mixed = seconds(Work(rewrite_bytes=GB, written_rows=20_000), "r1", past)
    assert mixed.basis == ("rewrite at the pace of r0: r0 took 3 s here on 2026-11-02", BASIS)


works = st.builds(Work, **dict.fromkeys(RATES, st.integers(0, 10**11)))


@given(works, works, st.lists(st.builds(ran, st.floats(0.0, 1e4), st.sampled_from(["r0", "r1"]), pending=st.booleans(), work=st.none() | works)))
def test_more_work_never_takes_less(one: Work, two: Work, past: list[Ran]) -> None:
    """Whatever the ledger holds: a range is a range, nothing to do takes no time, and by the same rates more takes longer."""
    both = Work(**{kind: one.amount(kind) + two.amount(kind) for kind in RATES})
    little, much = seconds(one, "r1", past), seconds(both, "r1", past)
    assert 0 <= little.low_s <= little.high_s
    assert (little.high_s == 0) == (one == Work())
    if little.basis == much.basis == (BASIS,):
        assert little.high_s <= much.high_s


def test_only_work_that_the_time_will_be_of_is_recorded() -> None:
    """CONCURRENTLY at half the pace, or lines that nobody has seen, would make a rate that is none."""
    fill = did("UPDATE", lock(RE, "orders"), scan("orders"))
    apart = did("REINDEX", build("ix", "orders", again=True, concurrently=True), autocommit=True, transaction=9)
    unsized = did("UPDATE", lock(RE, "items"), scan("items"))
    revisions = (
        revision(fill, COPY, id="a"),
        revision(fill, apart, id="b"),
        revision(fill, id="c", not_run=(7,)),
        revision(fill, unsized, id="d"),
        revision(did("COMMENT"), id="e"),
    )
    recorded = recorded_work(Effects(revisions=revisions, sizes=(size("orders", rows=5),)))
    assert recorded == {"a": Work(written_rows=5, rewrite_bytes=1_500_000_000)}


def test_the_past_is_a_part_of_the_plan() -> None:
    """An approved plan is judged by what was known then."""
    effects = Effects(past=(ran(3.2, "r1", pending=True), ran(3.0, work=BIG)))
    assert read_effects(write_effects(effects)) == effects
