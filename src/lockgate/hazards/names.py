"""What a target calls the tables and columns of a plan that renames, makes and drops some of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lockgate.hazards.effects import Effect
from lockgate.hazards.seen import Change, Relation

_PART = re.compile(r'"((?:[^"]|"")*)"|([^.]+)')


@dataclass(frozen=True)
class Column:
    """
    A column that the target knows by another name, or not at all.

    Args:
        name: as the plan calls it now.
        original: name on the target; empty for one that the plan made.
        type: of a new one, as the server prints it.
        default: expression that fills a new one; empty for NULL, None for one that no expression tells (identity, generated).
    """

    name: str
    original: str = ""
    type: str = ""
    default: str | None = ""


class Names:
    """Follows the statements of a plan."""

    def __init__(self) -> None:
        self._columns: dict[str, dict[str, Column]] = {}

    def follow(self, effect: Effect) -> None:
        """Take note of what a statement renamed, added and dropped."""
        for change in effect.changes:
            if change.kind == "column" and change.original:
                self._one(self._columns.setdefault(change.original, {}), change)

    def _one(self, columns: dict[str, Column], change: Change) -> None:
        if change.how == "added":
            facts = change.after
            told = not (facts.get("identity") or facts.get("generated"))
            columns[change.name] = Column(change.name, "", str(facts.get("type", "")), str(facts.get("default") or "") if told else None)
        elif change.how == "dropped":
            columns.pop(change.name, None)
        elif change.how == "renamed":
            old = columns.pop(change.old_name, Column(change.old_name, change.old_name))
            columns[change.name] = Column(change.name, old.original, old.type, old.default)

    def columns(self, table: str) -> tuple[Column, ...]:
        """Return the columns of a table (by its name on the target) that go by another name there, or are not there."""
        return tuple(column for column in self._columns.get(table, {}).values() if column.name != column.original)

    def column(self, table: str, name: str) -> Column:
        """Return what the target knows of a column."""
        return self._columns.get(table, {}).get(name, Column(name, name))


def parts(identity: str) -> list[str]:
    """Return the names in a qualified and quoted one."""
    return [quoted.replace('""', '"') if quoted else plain for quoted, plain in _PART.findall(identity)]


def originals(effect: Effect) -> dict[str, Relation]:
    """Return the tables that a statement met, by the names that it knows them by."""
    return {relation.path: relation for relation in met(effect)}


def met(effect: Effect) -> Iterator[Relation]:
    """Yield the tables and views that a statement locked, read or wrote."""
    for things in (effect.locks, effect.scans, effect.rewrites, effect.written):
        yield from (thing.relation for thing in things if not thing.relation.table)
