"""How long a statement works on the target: linear in bytes or rows, as a range; what one second does is told by `past`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

import msgspec

from lockgate.hazards.effects import Effect, Effects, Size
from lockgate.hazards.findings import Estimate
from lockgate.hazards.past import BASIS, Work, seconds, sum_of, taken, told
from lockgate.hazards.seen import Relation

FEW = 1_000  # rows that are written in no time
ROW_BYTES = 100  # where a table was never analysed, its rows are told from its bytes
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
        named = {change.path for change in made if change.kind in ("table", "materialized view")}
        return frozenset(named | {relation.path for relation in met if relation.new}) - {relation.original for relation in met}

    def is_new(self, relation: Relation) -> bool:
        """Whether nobody uses a table yet, or the table of an index."""
        return relation.table in self._new if relation.table else relation.new

    def size(self, relation: Relation) -> Size | None:
        """Return the target's size of a table, or of an index's table; None for what is new or not known."""
        return None if self.is_new(relation) else self._effects.size(relation)

    def work(self, effect: Effect) -> Work | None:
        """Return what a statement has to do on tables of the target; None where a size is not known. New tables are no work."""
        return sum_of(self._parts(effect))

    def time(self, work: Work | None, revision: str) -> Estimate | None:
        """Return the seconds of a statement's work; None where that is not known."""
        if work is None:
            return None
        found, ran = seconds(work, revision, self._effects.past), taken(revision, self._effects.past)
        if ran is None or not work.slow_s:
            return found
        share = ran.seconds * work.slow_s / max(self._whole(revision), work.slow_s)
        basis = f"{revision} {told(ran)}, with tables of a size that nobody knows"
        return msgspec.structs.replace(found, high_s=share, basis=(*found.basis, basis)) if share > found.high_s else found

    def _whole(self, revision: str) -> float:
        """Seconds of all statements of a revision whose work is known, by the slow rates."""
        works = (self.work(effect) for one, effect in self._effects.each() if one.id == revision)
        return sum(work.slow_s for work in works if work)

    def _parts(self, effect: Effect) -> Iterator[Work | None]:
        done = {rewrite.relation.path for rewrite in effect.rewrites} | {build.relation.table for build in effect.builds}
        for rewrite in effect.rewrites:
            if rewrite.reason != "truncate":
                yield self._of(rewrite.relation, lambda size: Work(rewrite_bytes=size.heap_bytes + size.index_bytes))
        for build in effect.builds:
            yield self._of(build.relation, lambda size: Work(index_rows=rows_of(size)))
        for scan in effect.scans:
            if not done & {scan.relation.path, scan.relation.original}:
                yield self._scan(effect, scan.relation, scan.times)

    def _scan(self, effect: Effect, relation: Relation, times: int) -> Work | None:
        if writes_rows(effect):
            return self._of(relation, lambda size: Work(written_rows=rows_of(size)))
        return self._of(relation, lambda size: Work(scan_bytes=size.heap_bytes * times))

    def _of(self, relation: Relation, units: Callable[[Size], Work]) -> Work | None:
        if self.is_new(relation):
            return Work()
        size = self.size(relation)
        return units(size) if size else None


def relations(effect: Effect) -> Iterator[Relation]:
    """Yield the relations that a statement locked, read or rewrote."""
    for things in (effect.locks, effect.scans, effect.rewrites):
        yield from (thing.relation for thing in things)
