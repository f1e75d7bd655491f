"""Transactions that hold tables of the plan."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from effecting import AE, RE, SUE, did, ids, judged, lock, only

from lockgate.hazards.answers import Holder, Preflight
from lockgate.hazards.blocking import waits_for
from lockgate.hazards.findings import Findings
from lockgate.hazards.seen import MODES

Kind = Literal["session", "idle", "prepared", "wraparound"]


def held(kind: Kind, seconds: float = 300.0, mode: str = "AccessShareLock", wanted: str = AE, once: bool = False) -> Findings:
    """A plan that wants `orders`, which somebody holds."""
    holder = Holder(table="public.orders", modes=(mode,), kind=kind, who="pid 7, app", seconds=seconds)
    facts: dict[str, Any] = {"preflight": Preflight(holders=(holder,))}
    effects = [did("ALTER TABLE", lock(wanted, "orders"))] * (1 if once else 2)
    return judged(*effects, **facts)


@pytest.mark.parametrize("kind", ["session", "idle", "prepared", "wraparound"])
def test_whoever_does_not_let_go_is_told_once(kind: Kind) -> None:
    """A migration that waits for a forgotten terminal stops the site behind it."""
    found = only("LG801", held(kind))
    assert (found.severity.value, found.relation) == ("warning", "public.orders")
    assert "pid 7, app" in found.what


def test_short_transactions_and_locks_that_agree_are_no_news() -> None:
    """The application is always at work."""
    assert "LG801" not in ids(held("session", seconds=5))
    assert only("LG101", held("session", seconds=0.2, once=True)).severity.value == "note"
    assert "LG801" not in ids(held("idle", mode="AccessShareLock", wanted=SUE))
    assert "LG801" in ids(held("wraparound", mode="ShareUpdateExclusiveLock", wanted=SUE))
    assert "LG801" not in ids(held("idle", mode="RowExclusiveLock", wanted=RE))


def test_conflicts_go_both_ways() -> None:
    """The manual's table is symmetric; a slip of the pen in ours would not be."""
    assert all(waits_for(one, [other]) == waits_for(other, [one]) for one in MODES for other in MODES)
    assert [sum(waits_for(one, [other]) for other in MODES) for one in MODES] == [1, 2, 4, 5, 5, 6, 7, 8]
