"""Which locks a statement works under: its own, and those that its transaction took before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lockgate.hazards.blocking import strongest
from lockgate.hazards.context import key
from lockgate.hazards.effects import Effect, Effects, RevisionEffects
from lockgate.hazards.seen import MODES, Relation


@dataclass(frozen=True)
class Held:
    """
    The strongest lock on one relation while a statement runs.

    Args:
        mode: of `MODES`.
        kept: an earlier statement of the transaction took it.
    """

    relation: Relation
    mode: str
    kept: bool


@dataclass(frozen=True)
class UnderLocks:
    """
    A statement with the locks that matter to it.

    Args:
        locks: on relations that it locked, rewrote, read, wrote or changed itself; the strongest first.
        others: what its transaction keeps locked beside them, which waits for it as well.
    """

    revision: RevisionEffects
    effect: Effect
    locks: tuple[Held, ...]
    others: tuple[Held, ...]


def under_locks(effects: Effects) -> Iterator[UnderLocks]:
    """Yield every statement, in the order in which they ran."""
    transaction, owned = 0, dict[str, dict[str, Relation]]()
    for revision, effect in effects.each():
        if effect.transaction != transaction:
            transaction, owned = effect.transaction, {}
        for lock in effect.released:
            for mode in lock.modes:
                owned.get(key(lock.relation), {}).pop(mode, None)
        kept = {path: Held(modes[mode], mode, True) for path, modes in owned.items() if (mode := strongest(modes))}
        held = {**kept}
        for lock in effect.locks:
            owned.setdefault(key(lock.relation), {}).update(dict.fromkeys(lock.modes, lock.relation))
            before = kept.get(key(lock.relation))
            if before is None or MODES.index(lock.strongest) > MODES.index(before.mode):
                held[key(lock.relation)] = Held(lock.relation, lock.strongest, False)
        touched = {key(relation) for relation in _touched(effect)} | {change.original for change in effect.changes}
        mine, others = (tuple(_sorted(held, touched, wanted)) for wanted in (True, False))
        yield UnderLocks(revision, effect, mine, others)


def _touched(effect: Effect) -> Iterator[Relation]:
    yield from (lock.relation for lock in effect.locks)
    yield from (rewrite.relation for rewrite in effect.rewrites)
    yield from (scan.relation for scan in effect.scans)
    yield from (rows.relation for rows in effect.written)


def _sorted(held: dict[str, Held], touched: set[str], wanted: bool) -> list[Held]:
    found = [lock for name, lock in held.items() if (name in touched) is wanted]
    return sorted(found, key=lambda lock: (-MODES.index(lock.mode), lock.relation.path))
