"""
Which statements of a plan write rows of the target, so that its planner may say how many; pure.

The copy holds no rows, so nothing on it says whether a WHERE leads to one row or to nearly all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.answers import Kind
from lockgate.hazards.effects import Effect, Effects
from lockgate.hazards.names import met
from lockgate.hazards.questions import Check, Place, Source, words
from lockgate.hazards.seen import Relation
from lockgate.secret import MASK

_PLANNED = ("INSERT", "UPDATE", "DELETE", "MERGE", "WITH")  # one plan tells all of it, but for triggers and functions
_CALLING = ("DO", "SELECT", "CALL", "EXECUTE", "COPY")
_TABLES = ("table", "partitioned table", "foreign table")
_LONGEST = 10_000  # characters that the trace keeps of a text


class Writes:
    """Goes through a plan and remembers which tables a transaction has locked for writing: the second time there is no new lock."""

    def __init__(self) -> None:
        self._transaction = 0
        self._held: dict[str, Relation] = {}

    def statement(self, place: Place) -> Iterator[Check]:
        """Yield one statement's questions."""
        effect = place.effect
        if effect.transaction != self._transaction:
            self._transaction, self._held = effect.transaction, {}
        own = {relation.original: relation for relation in _locked(effect)}
        said = words(effect.text) if effect.command in (*_PLANNED, "DO") else set()
        again = {path: relation for path, relation in self._held.items() if path not in own and relation.name in said}
        self._held |= own
        if effect.command in (*_PLANNED, *_CALLING):
            reason = _untold(place, said)
            for path in (*own, *again):
                for kind in _kinds(effect, said):
                    check = Check(place.answer(kind, path), Source(path, "t"), statement=effect.text, locked=path in own)
                    check = check.reading(place.names, place.written)
                    yield check.not_asked(reason) if reason else check


def written_tables(effects: Effects) -> tuple[str, ...]:
    """Return the target's tables whose rows a plan's statements write, by their names there."""
    return tuple(sorted({relation.original for _, effect in effects.each() for relation in _locked(effect)}))


def is_whole(text: str) -> bool:
    """Whether the trace has kept all of a statement."""
    return MASK not in text and len(text) < _LONGEST


def _locked(effect: Effect) -> Iterator[Relation]:
    for lock in effect.locks:
        if "RowExclusiveLock" in lock.modes and lock.relation.kind in _TABLES and lock.relation.original:
            yield lock.relation


def _kinds(effect: Effect, said: set[str]) -> tuple[Kind, ...]:
    if effect.command == "DELETE":
        return ("deleted",)
    deletes = effect.command in ("WITH", "MERGE") and "delete" in {word.lower() for word in said}
    return ("written", "deleted") if deletes else ("written",)


def _untold(place: Place, said: set[str]) -> str:
    """Why the target's planner cannot be asked; empty where it can."""
    effect = place.effect
    if effect.command not in _PLANNED:
        return f"no planner tells it of {effect.command}"
    if not is_whole(effect.text):
        return "the plan does not keep the whole text"
    tables = [*met(effect), *(relation for relation in place.tables.values() if relation.name in said)]
    own = next((table for table in tables if table.new or table.path != table.original), None)
    if own:
        return f"the plan itself makes `{own.path}`"
    columns = (column for table in tables for column in place.names.columns(table.original) if column.name in said)
    made = next(columns, None)
    return f"the plan itself makes `{made.name}`" if made else ""
