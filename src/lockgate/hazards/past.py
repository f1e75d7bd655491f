"""
What earlier upgrades of the same database took, and what their plans said of the work: the rates of this very server.

Only what was run by an approved plan has its work in the ledger. A time alone says little, since nobody knows how large the tables were then:
it can make an estimate worse, never better.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockgate.hazards.findings import Estimate
from lockgate.hazards.seen import Value
from lockgate.hazards.spans import spoken

MB = 1_000_000
# Slow and fast, in units a second: conservative, and what an idle machine with everything in memory does.
RATES = {
    "scan_bytes": (100 * MB, 1_000 * MB),
    "rewrite_bytes": (30 * MB, 120 * MB),
    "index_rows": (300_000, 2_600_000),
    "written_rows": (20_000, 180_000),
}
BASIS = (
    "built-in rates, from slow to fast: scan 100 to 1,000 MB/s, rewrite 30 to 120 MB/s, index 0.3 to 2.6 M rows/s, DML 20 to 180 k rows/s"
)
_WORDS = {"scan_bytes": "scan", "rewrite_bytes": "rewrite", "index_rows": "index", "written_rows": "DML"}
_LEAST_S = 1.0  # below it a revision's time is mostly connection, COMMIT and catalog
_MOSTLY = 0.8  # of a revision's work is of one kind, by the built-in rates
_UNEXPLAINED = 10  # times what the slow built-in rates say: something else than this work took that long
_BEYOND = 10  # times what was measured: farther out caches, memory and disk are others
_SPREAD = 0.4  # how far a linear model is off on one machine; measured on PostgreSQL 18


class Work(Value, frozen=True):
    """
    What a statement, or a revision, has to do on tables of the target.

    Args:
        scan_bytes: of heap that is read. rewrite_bytes: of heap and indexes that are written anew.
        index_rows: of tables whose indexes are built. written_rows: that are updated, deleted or inserted.
    """

    scan_bytes: int = 0
    rewrite_bytes: int = 0
    index_rows: int = 0
    written_rows: int = 0

    def amount(self, kind: str) -> int:
        """Return the units of one kind, a key of `RATES`."""
        return int(getattr(self, kind))

    @property
    def slow_s(self) -> float:
        """Seconds by the slow built-in rates."""
        return sum(self.amount(kind) / slow for kind, (slow, _) in RATES.items())


class Ran(Value, frozen=True):
    """
    A revision that was applied to this database before.

    Args:
        at: ISO 8601 in UTC.
        work: as its plan saw it; None where it ran without one, or did what takes its own time (waits between tries, CONCURRENTLY).
        pending: it will run again, as its file stands.
    """

    revision: str
    at: str
    seconds: float
    work: Work | None = None
    pending: bool = False


def sum_of(works: Iterable[Work | None]) -> Work | None:
    """Return all of it; None where one part is not known."""
    known = []
    for work in works:
        if work is None:
            return None
        known.append(work)
    return Work(**{kind: sum(work.amount(kind) for work in known) for kind in RATES})


def seconds(work: Work, revision: str, past: Sequence[Ran]) -> Estimate:
    """
    Return how long it takes: by the same revision's own time (with less work, at most as long), by the rates of this database, else by the
    built-in ones.

    Args:
        past: newest first.
    """
    found = Estimate(basis=(BASIS,))
    for kind in RATES:
        if amount := work.amount(kind):
            found += _kind_seconds(kind, amount, revision, past)
    return found


def taken(revision: str, past: Iterable[Ran]) -> Ran | None:
    """Return the last time that a revision ran, where it was long and nobody knows how much it had to do."""
    same = next((ran for ran in past if ran.revision == revision and ran.pending), None)
    return same if same and same.work is None and same.seconds >= _LEAST_S else None


def told(ran: Ran) -> str:
    """Return `took 3.2 s here on 2026-11-02`."""
    return f"took {spoken(ran.seconds)} here on {ran.at[:10]}"


def _kind_seconds(kind: str, amount: int, revision: str, past: Sequence[Ran]) -> Estimate:
    slow, fast = RATES[kind]
    near = [ran for ran in past if ran.work and ran.seconds >= _LEAST_S and 0 < amount <= _BEYOND * ran.work.amount(kind)]
    same = [ran for ran in near if ran.pending and ran.revision == revision][:1]
    alike = same or [
        ran for ran in near if ran.work and ran.work.amount(kind) / slow >= _MOSTLY * ran.work.slow_s and ran.seconds <= _UNEXPLAINED * ran.work.slow_s
    ]
    if not alike:
        return Estimate(low_s=amount / fast, high_s=amount / slow, basis=(BASIS,))
    factors = [ran.seconds / ran.work.slow_s for ran in alike if ran.work]
    basis = f"{revision} {told(same[0])}, scaled by size" if same else _rates_told(kind, alike)
    # A revision that takes its time by its rows is no faster on narrower ones: nobody knows which it is.
    most = max(amount, *(ran.work.amount(kind) for ran in same if ran.work)) if same else amount
    return Estimate(low_s=amount / slow * min(factors) * (1 - _SPREAD), high_s=most / slow * max(factors) * (1 + _SPREAD), basis=(basis,))


def _rates_told(kind: str, alike: Sequence[Ran]) -> str:
    more = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
    return f"{_WORDS[kind]} at the pace of {alike[0].revision}{more}: {alike[0].revision} {told(alike[0])}"
