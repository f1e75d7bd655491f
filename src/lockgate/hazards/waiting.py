"""How long a statement may queue for its locks behind open transactions of the target, while everybody else queues behind it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lockgate.hazards.answers import Holder, Preflight
from lockgate.hazards.blocking import waits_for
from lockgate.hazards.effects import Effect, RevisionEffects
from lockgate.hazards.findings import Estimate, Limits
from lockgate.hazards.seen import Lock, Relation
from lockgate.hazards.spans import spoken
from lockgate.journal.apart import read
from lockgate.journal.statement import Kind

_UNITS = {"us": 1e-6, "ms": 0.001, "": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}  # PostgreSQL manual, 19.1.1
_SET = re.compile(r"\bset\s+(local\s+|session\s+)?lock_timeout\s*(?:=|\bto\b)\s*'?\s*(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)
_BASIS = "queueing for locks: transactions stay open for as long again as they had been when the plan was made"
_LONG_S = 60.0


@dataclass(frozen=True)
class Wait:
    """
    A statement's time in the queue.

    Args:
        seconds: at most, as one who queues behind it sees it: a try that gives up lets the others go first.
        holders: in the way when the target was asked, longest first.
        bound: seconds after which one request gives up; 0 for never.
        retried: seconds for which it is tried again.
    """

    seconds: float
    holders: tuple[Holder, ...]
    bound: float
    retried: float

    @property
    def estimate(self) -> Estimate:
        """Its seconds: from none at all, where the transactions are over by then."""
        bound = f", or lock_timeout {spoken(self.bound)} strikes" if self.bound else ""
        return Estimate(high_s=self.seconds, wait_s=self.seconds, basis=(f"{_BASIS}{bound}",))

    @property
    def lasts(self) -> bool:
        """Whether somebody is in the way who will not let go soon."""
        return any(lasts(holder) for holder in self.holders)

    @property
    def behind(self) -> str:
        """`behind a transaction that had been open for 12 min when the plan was made (pid 7, app)`."""
        longest = self.holders[0]
        known = f" that had been open for {spoken(longest.seconds)} when the plan was made" if longest.seconds else " that was open when the plan was made"
        return f"behind a transaction{known} ({longest.who})"

    @property
    def until(self) -> str:
        """What ends it."""
        if not self.bound:
            return "no lock_timeout bounds it"
        again = f", tried again for up to {spoken(self.retried)}" if self.retried else ""
        return f"lock_timeout {spoken(self.bound)} bounds it: up to {spoken(self.bound)} at a time{again}"


class Queue:
    """
    Follows a plan, statement by statement: a transaction that was waited for is over, so no later statement waits for it.

    Args:
        is_new: whether nobody uses a relation yet.
    """

    def __init__(self, preflight: Preflight | None, limits: Limits, is_new: Callable[[Relation], bool]) -> None:
        self._holders = preflight.holders if preflight else ()
        self._limits = limits
        self._is_new = is_new
        self._over: set[tuple[str, str]] = set()
        self._own: tuple[tuple[str, int], float] | None = None  # revision and transaction, and the bound that it set itself

    def wait(self, revision: RevisionEffects, effect: Effect) -> Wait | None:
        """Return how long the next statement waits; None where nobody was in its way."""
        bound = self._bound(revision, effect)
        seconds, met = 0.0, []
        for lock in effect.locks:
            fresh = [holder for holder in self._in_the_way(lock) if (holder.kind, holder.who) not in self._over]
            if fresh:
                seconds += max(_most(holder, bound) for holder in fresh)
                self._over |= {(holder.kind, holder.who) for holder in fresh}
                met += fresh
        if not met:
            return None
        retried = 0.0 if waits_on(effect) else self._limits.lock_wait_s
        return Wait(seconds, tuple(sorted(met, key=lambda holder: -holder.seconds)), bound, retried)

    def _in_the_way(self, lock: Lock) -> tuple[Holder, ...]:
        return () if self._is_new(lock.relation) else in_the_way(self._holders, lock)

    def _bound(self, revision: RevisionEffects, effect: Effect) -> float:
        """What a revision sets holds for its transaction, or its autocommit block, in which lockgate bounds what it puts into a transaction."""
        here = revision.id, 0 if effect.autocommit else effect.transaction
        own = _SET.search(effect.text)
        if own and own[3].lower() in _UNITS and not (effect.autocommit and (own[1] or "").lower().startswith("local")):
            self._own = here, float(own[2]) * _UNITS[own[3].lower()]
        if self._own and self._own[0] == here and waits_on(effect) is effect.autocommit:
            return self._own[1]
        return 0.0 if waits_on(effect) else self._limits.lock_timeout_s


def waits_on(effect: Effect) -> bool:
    """Whether a run lets a statement wait without a bound: outside of a transaction what cannot run in one, for CONCURRENTLY has to outlast others."""
    return effect.autocommit and read(effect.text).kind not in (Kind.READ, Kind.WRITE)


def lasts(holder: Holder) -> bool:
    """Whether it is more than an application at work: a report, a dump, or forgotten."""
    return holder.kind != "session" or holder.seconds >= _LONG_S


def _most(holder: Holder, bound: float) -> float:
    """An age that the role may not see is 0."""
    if not bound:
        return holder.seconds
    return bound if lasts(holder) or not holder.seconds else min(holder.seconds, bound)


def in_the_way(holders: Iterable[Holder], lock: Lock) -> tuple[Holder, ...]:
    """Return those for which a request for a lock would wait."""
    return tuple(h for h in holders if h.table == lock.relation.original and any(waits_for(mode, h.modes) for mode in lock.modes))
