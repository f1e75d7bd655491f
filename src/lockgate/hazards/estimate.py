"""
How long a statement works on the target: linear in bytes or rows, as a range.

The slow rates are conservative on purpose, the fast ones are what an idle machine with everything in memory does. Measured on PostgreSQL
18: a linear model holds within about 40 % on one machine; across machines only the order of magnitude does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from lockgate.hazards.effects import Effect, Effects, Size
from lockgate.hazards.findings import Estimate
from lockgate.hazards.seen import Relation

MB = 1_000_000
SCAN = (100 * MB, 1_000 * MB)  # bytes of heap a second, slow and fast
REWRITE = (30 * MB, 120 * MB)  # bytes of heap and indexes a second
INDEX = (300_000, 2_600_000)  # rows a second
DML = (20_000, 180_000)  # rows a second
FEW = 1_000  # rows that are written in no time
ROW_BYTES = 100  # where a table was never analysed, its rows are told from its bytes
BASIS = (
    "built-in rates, from slow to fast: scan 100 to 1,000 MB/s, rewrite 30 to 120 MB/s, index 0.3 to 2.6 M rows/s, DML 20 to 180 k rows/s"
)
_WRITING = ("UPDATE", "DELETE", "MERGE", "WITH")


def total(parts: Iterable[Estimate | None]) -> Estimate | None:
    """Return the sum; None where one part is unknown."""
    found = Estimate(basis=(BASIS,))
    for part in parts:
        if part is None:
            return None
        found += part
    return found


def rows_of(size: Size) -> int:
    """Return the rows of a table, guessed from its bytes where it was never analysed."""
    return size.rows if size.rows >= 0 else size.heap_bytes // ROW_BYTES


def writing(rows: int) -> Estimate:
    """Return the seconds that it takes to write some rows."""
    return Estimate(low_s=rows / DML[1], high_s=rows / DML[0], basis=(BASIS,))


def writes_rows(effect: Effect) -> bool:
    """Whether a statement changes rows that it has to find first."""
    return effect.command in _WRITING


class Yardstick:
    """
    Knows the target's tables by size, and which tables are the plan's own.

    Args:
        effects: the whole plan: what one statement creates is new for all behind it.
    """

    def __init__(self, effects: Effects) -> None:
        self._effects = effects

    @cached_property
    def _new(self) -> frozenset[str]:
        """Names of new tables only: one that an old table has had as well is taken for the old one's."""
        met = [relation for _, effect in self._effects.each() for relation in relations(effect) if not relation.table]
        made = (change for _, effect in self._effects.each() for change in effect.changes if change.how == "added")
        named = {f"{change.schema}.{change.name}" for change in made if change.kind in ("table", "materialized view")}
        return frozenset(named | {relation.path for relation in met if relation.new}) - {relation.original for relation in met}

    def is_new(self, relation: Relation) -> bool:
        """Whether nobody uses a table yet, or the table of an index."""
        return relation.table in self._new if relation.table else relation.new

    def size(self, relation: Relation) -> Size | None:
        """Return the target's size of a table, or of an index's table; None for what is new or not known."""
        return None if self.is_new(relation) else self._effects.size(relation)

    def work(self, effect: Effect) -> Estimate | None:
        """Return the seconds that a statement works on tables of the target; None where a size is not known. New tables cost nothing."""
        return total(self._parts(effect))

    def _parts(self, effect: Effect) -> Iterator[Estimate | None]:
        done = {rewrite.relation.path for rewrite in effect.rewrites} | {build.relation.table for build in effect.builds}
        for rewrite in effect.rewrites:
            if rewrite.reason != "truncate":
                yield self._time(rewrite.relation, REWRITE, lambda size: size.heap_bytes + size.index_bytes)
        for build in effect.builds:
            yield self._time(build.relation, INDEX, rows_of)
        for scan in effect.scans:
            if not done & {scan.relation.path, scan.relation.original}:
                yield self._scan(effect, scan.relation, scan.times)

    def _scan(self, effect: Effect, relation: Relation, times: int) -> Estimate | None:
        if writes_rows(effect):
            return self._time(relation, DML, rows_of)
        return self._time(relation, SCAN, lambda size: size.heap_bytes * times)

    def _time(self, relation: Relation, rates: tuple[int, int], units: Callable[[Size], int]) -> Estimate | None:
        if self.is_new(relation):
            return Estimate(basis=(BASIS,))
        size = self.size(relation)
        return Estimate(low_s=units(size) / rates[1], high_s=units(size) / rates[0], basis=(BASIS,)) if size else None


def relations(effect: Effect) -> Iterator[Relation]:
    """Yield the relations that a statement locked, read or rewrote."""
    for things in (effect.locks, effect.scans, effect.rewrites):
        yield from (thing.relation for thing in things)
