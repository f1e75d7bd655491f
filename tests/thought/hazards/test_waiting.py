"""How long statements queue for their locks behind open transactions, and what that does to severity, timeline and words."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from effecting import AE, RE, SUE, column, did, ids, judged, lock, only, rewrite, size
from hypothesis import given
from hypothesis import strategies as st

from lockgate.hazards.answers import Holder, Preflight
from lockgate.hazards.findings import Estimate, Findings, Limits
from lockgate.hazards.spans import spoken
from lockgate.report.findings import findings
from lockgate.report.html import html
from lockgate.report.table import plain

TINY = size("orders", rows=10, heap=8192, indexes=8192)
REPORT = 720.0  # seconds: 12 min


def holder(seconds: float = REPORT, name: str = "orders", who: str = "pid 7", kind: Literal["session", "idle"] = "session") -> Holder:
    """Somebody who has read a table."""
    return Holder(table=f"public.{name}", modes=("AccessShareLock",), kind=kind, who=who, seconds=seconds)


def plan(*effects: Any, holders: tuple[Holder, ...] = (), timeout: float = 5.0, sizes: Any = (TINY,), **limits: float) -> Findings:
    """Judge statements while others hold tables."""
    return judged(*effects, sizes=sizes, limits=Limits(lock_timeout_s=timeout, **limits), preflight=Preflight(holders=holders))


ADD = did("ALTER TABLE", lock(AE, "orders"), column("orders.x", "text"), line=11)


@pytest.mark.parametrize(
    ("held", "timeout", "autocommit", "text", "waits", "severity"),
    [
        ((), 5.0, False, "", 0.0, None),
        ((holder(0.05),), 5.0, False, "", 0.05, None),  # an application at work is no news
        ((holder(3.0),), 5.0, False, "", 3.0, "warning"),
        ((holder(),), 5.0, False, "", 5.0, "warning"),
        ((holder(),), 90.0, False, "", 90.0, "error"),
        ((holder(2.0, kind="idle"),), 5.0, False, "", 5.0, "warning"),  # who is idle does not come to an end
        ((holder(0.0),), 5.0, False, "", 5.0, "warning"),  # an age that the role may not see
        ((holder(),), 5.0, True, "", 5.0, "warning"),  # in an autocommit block it gets a transaction of its own, and a bound
        ((holder(),), 5.0, False, "set local lock_timeout = '200ms'", 0.2, "warning"),
        ((holder(),), 5.0, False, "SET lock_timeout TO '2min'", 120.0, "error"),
        ((holder(),), 5.0, False, "set lock_timeout = 0", REPORT, "error"),
        ((holder(),), 5.0, True, "set lock_timeout = '8s'", 5.0, "warning"),
        ((holder(), holder(30.0, who="pid 8")), 5.0, False, "", 5.0, "warning"),  # they end side by side
    ],
)
def test_severity_follows_the_wait_and_its_bound(
    held: tuple[Holder, ...], timeout: float, autocommit: bool, text: str, waits: float, severity: str | None
) -> None:
    """A request of a millisecond that queues behind a report stops the site for as long as it is let queue, and no longer."""
    first = [did("SET", text=text, autocommit=autocommit)] if text else []
    add = did("ALTER TABLE", lock(AE, "orders"), column("orders.x", "text"), transaction=2 if autocommit else 1, autocommit=autocommit)
    found = plan(*first, add, holders=held, timeout=timeout)
    (row,) = found.timeline
    assert row.wait_s == waits
    assert row.ends_s == pytest.approx(waits)
    worst = found.worst.value if found.worst else ""
    assert worst == (severity or "note")


def alone(text: str) -> Findings:
    """What cannot run in a transaction, behind a statement that may bound its waiting."""
    drop = did("DROP INDEX", lock(AE, "orders"), text="drop index concurrently ix", autocommit=True)
    return plan(did("SET", text=text, autocommit=True), drop, holders=(holder(),))


def test_the_words_say_who_what_bounds_it_and_that_it_was_then() -> None:
    """By the time of the upgrade it may be another transaction: the plan must not sound as if it knew."""
    told = only("LG801", plan(ADD, holders=(holder(),)))
    assert told.what == (
        "when the plan was made, `public.orders` was in a transaction that had been open for 12 min (pid 7): the statement waits for its end; "
        "lock_timeout 5 s bounds it: up to 5 s at a time, tried again for up to 5 min"
    )
    short = only("LG101", plan(ADD, holders=(holder(3.0),)))
    assert "waits behind a transaction that had been open for 3 s when the plan was made (pid 7)" in short.what
    assert short.estimate is not None
    assert (short.estimate.low_s, short.estimate.high_s, short.estimate.wait_s) == (0.0, 3.0, 3.0)
    assert "no lock_timeout bounds it" in only("LG801", alone("")).what
    assert [alone(text).timeline[0].wait_s for text in ("set lock_timeout = '8s'", "set local lock_timeout = '8s'")] == [8.0, REPORT]


def test_work_and_wait_are_one_time_with_both_bases() -> None:
    """Blocked is blocked: the copy of 55 s is an error for 60 s when it queues for 5 s before."""
    copy = did("ALTER TABLE", lock(AE, "orders"), rewrite("orders", "type"))
    sizes = (size("orders", heap=1_500_000_000, indexes=150_000_000),)
    alone, behind = plan(copy, sizes=sizes), plan(copy, sizes=sizes, holders=(holder(),))
    assert only("LG201", alone).severity.value == "warning"
    found = only("LG201", behind)
    assert (found.severity.value, found.estimate and round(found.estimate.high_s)) == ("error", 60)
    assert found.estimate is not None
    assert [basis.split(":")[0] for basis in found.estimate.basis] == ["built-in rates, from slow to fast", "queueing for locks"]
    text = plain(findings(behind))
    assert "up to 5 s of it in the queue for locks" in text
    assert "▒▒▒█" in text
    assert text.count("estimates: ") == 2
    assert 'class="queue"' in html(behind)
    assert "▒" not in plain(findings(alone)) and 'class="queue"' not in html(alone)


def test_a_table_is_blocked_while_its_transaction_queues_for_another_one() -> None:
    """The lock on `orders` is there at once, and kept for as long as the request for `users` queues."""
    other = did("ALTER TABLE", lock(AE, "users"), column("users.x", "text"), line=12)
    found = plan(ADD, other, holders=(holder(30.0, "users"),))
    assert only("LG102", found).what.startswith("`public.orders` stays locked (ACCESS EXCLUSIVE) while 1 later statement waits for a lock")
    assert [(row.relation, row.begins_s, row.wait_s, row.ends_s) for row in found.timeline] == [
        ("public.orders", 0.0, 0.0, 5.0),
        ("public.users", 0.0, 5.0, 5.0),
    ]


def test_one_transaction_is_waited_for_once() -> None:
    """When the first lock is there it has ended, whatever other tables it had read."""
    other = did("ALTER TABLE", lock(AE, "users"), transaction=2)
    same, another = (plan(ADD, other, holders=(holder(), holder(name="users", who=who))) for who in ("pid 7", "pid 8"))
    assert [row.wait_s for row in same.timeline] == [5.0, 0.0]
    assert [row.wait_s for row in another.timeline] == [5.0, 5.0]


def test_locks_for_which_nobody_queues_are_not_blocked_time() -> None:
    """A weak lock that waits holds nobody up, and a new table has nobody on it."""
    assert plan(did("VACUUM", lock(SUE, "orders")), holders=(holder(),)).timeline == ()
    fresh = did("ALTER TABLE", lock(AE, "orders", new=True))
    assert ids(plan(fresh, holders=(holder(),))) == set()
    assert "LG801" not in ids(plan(did("UPDATE", lock(RE, "orders")), holders=(holder(),)))


@given(
    st.lists(st.tuples(st.sampled_from(["orders", "users"]), st.sampled_from("abc"), st.floats(0.01, 1e5)), max_size=6),
    st.floats(0.1, 100.0),
)
def test_the_wait_is_never_longer_than_its_bounds(held: list[tuple[str, str, float]], timeout: float) -> None:
    """Whatever is in the way: a request waits for the lock timeout at most, and nobody in the way means no wait."""
    found = plan(
        did("ALTER TABLE", lock(AE, "orders"), lock(AE, "users")), holders=tuple(holder(s, t, w) for t, w, s in held), timeout=timeout
    )
    waits = max(row.wait_s for row in found.timeline)
    assert waits <= len({table for table, _, _ in held}) * timeout
    assert (waits > 0) == bool(held)


@given(*[st.builds(Estimate, low_s=st.integers(0, 9), high_s=st.integers(0, 9), wait_s=st.integers(0, 9), basis=st.tuples(st.sampled_from("ab")))] * 3)
def test_adding_times_keeps_what_they_stand_on(one: Estimate, two: Estimate, three: Estimate) -> None:
    """In whatever order they are added up, no basis of a time that counts is lost."""
    whole = (one + two) + three
    assert whole == one + (two + three)
    counted = {basis for part in (one, two, three) if part.high_s for basis in part.basis}
    assert counted <= set(whole.basis)
    assert (set(whole.basis) == counted) or not counted


def test_times_are_spoken_in_a_unit_that_fits() -> None:
    """`720 s` makes a tired person reckon."""
    assert [spoken(s) for s in (0.05, 0.5, 1, 5, 90, 720, 7200, 200_000)] == ["0.05 s", "0.5 s", "1 s", "5 s", "90 s", "12 min", "2 h", "2.3 d"]
