"""A catalog as it was at one moment, by the server's own numbers, so that a renamed object is known as the same one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from lockgate.hazards.seen import Change, Relation

_TABLE_LIKE = ("table", "view", "materialized view", "sequence")
_OF_TABLE = ("column", "constraint", "index", "trigger", "policy", "rule")


@dataclass(frozen=True)
class Object:
    """
    One object of the catalog.

    Args:
        key: kind letter and the server's number; a column's is its table's with the column's own.
        parent: number of its table or type; 0 for what stands by itself.
        facts: see `Change`.
    """

    kind: str
    key: str
    parent: int
    schema: str
    name: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """All objects by key."""

    objects: dict[str, Object]

    @classmethod
    def read(cls, text: str) -> Picture:
        """Read the JSON that a dialect's probe was answered."""
        return cls({row[1]: Object(*row) for row in msgspec.json.decode(text)})

    def relation(self, number: int) -> Object | None:
        """Return a relation by its number."""
        return self.objects.get(f"r{number}")

    def path(self, number: int) -> str:
        """Return a relation's qualified name; empty where it is not there."""
        found = self.relation(number)
        return f"{found.schema}.{found.name}" if found and found.schema else found.name if found else ""

    @cached_property
    def indexes(self) -> dict[int, list[int]]:
        """Numbers of indexes by their table's number."""
        found: dict[int, list[int]] = {}
        for item in self.objects.values():
            if item.kind == "index":
                found.setdefault(item.parent, []).append(int(item.key[1:]))
        return found

    @cached_property
    def by_name(self) -> dict[tuple[str, str, str, str], Object]:
        """Objects by kind, schema, table (or type) and name: numbers change when an object is dropped and made again."""
        return {(item.kind, item.schema, self.path(item.parent) or str(item.facts.get("type", "")), item.name): item for item in self.objects.values()}


class Origin:
    """
    Names things for somebody who knows only what was there when the plan began.

    Args:
        first: the picture at that moment.
    """

    def __init__(self, first: Picture) -> None:
        self.first = first

    def relation(self, number: int, *pictures: Picture) -> Relation | None:
        """Describe a relation by the first of the pictures that has it; None where none does: the server's own, or somebody's of TOAST."""
        item = next((found for picture in pictures if (found := picture.relation(number))), None)
        if item is None:
            return None
        original = self.first.path(number)
        table = ""
        if item.kind == "index":
            table = self.first.path(item.parent) or next((path for picture in pictures if (path := picture.path(item.parent))), "")
        return Relation(
            schema=item.schema, name=item.name, kind=item.facts.get("kind", item.kind), new=not original, table=table, original=original
        )

    def is_new(self, key: str) -> bool:
        """Whether the plan made an object, or the table it belongs to."""
        return key not in self.first.objects

    def changes(self, before: Picture, after: Picture) -> tuple[Change, ...]:
        """Tell what is different in `after`, dropped things first; what a statement dropped and made again is one change."""
        gone = {item.key: item for item in before.objects.values() if item.key not in after.objects}
        come = {item.key: item for item in after.objects.values() if item.key not in before.objects}
        again = dict(_pairs(gone, come))
        found = [self._one("dropped", item, before) for key, item in gone.items() if key not in again]
        found += [self._one("added", item, after) for key, item in come.items() if key not in again.values()]
        found += [self._altered("recreated", gone[old], come[new], after) for old, new in again.items()]
        for key in before.objects.keys() & after.objects.keys():
            old, new = before.objects[key], after.objects[key]
            if (old.schema, old.name) != (new.schema, new.name):
                found.append(self._altered("renamed", old, new, after))
            elif old.facts != new.facts:
                found.append(self._altered("altered", old, new, after))
        return tuple(sorted(found, key=lambda change: (_ORDER[change.how], change.kind, change.schema, change.table, change.name)))

    def unrestored(self, last: Picture) -> tuple[Change, ...]:
        """Tell what is different now from what was there when the plan began, by name: what a way back did not bring back."""
        then, now = self.first.by_name, last.by_name
        found = [self._one("dropped", then[name], self.first) for name in then.keys() - now.keys()]
        found += [self._one("added", now[name], last) for name in now.keys() - then.keys()]
        both = ((then[name], now[name]) for name in then.keys() & now.keys())
        found += [self._altered("altered", *pair, last) for pair in both if self._facts(pair[0], self.first) != self._facts(pair[1], last)]
        return tuple(sorted(found, key=lambda change: (_ORDER[change.how], change.kind, change.schema, change.table, change.name)))

    def _one(self, how: str, item: Object, picture: Picture) -> Change:
        facts, place = self._facts(item, picture), self._place(item, picture)
        if how == "dropped":
            return Change(how=how, kind=item.kind, **place, before=facts)
        return Change(how=how, kind=item.kind, **place, after=facts)

    def _altered(self, how: str, old: Object, new: Object, picture: Picture) -> Change:
        names = [name for name in sorted(old.facts.keys() | new.facts.keys()) if old.facts.get(name) != new.facts.get(name)]
        was, now = self._facts(old, picture), self._facts(new, picture)
        before, after = ({name: facts[name] for name in names if name in facts} for facts in (was, now))
        old_name = old.name if old.name != new.name else ""
        return Change(how=how, kind=new.kind, **self._place(new, picture, old), old_name=old_name, before=before, after=after)

    def _place(self, item: Object, picture: Picture, old: Object | None = None) -> dict[str, Any]:
        owner = picture.relation(item.parent)
        table = owner.name if owner else item.facts.get("type", "") if item.kind == "enum value" else ""
        original = self.first.path(item.parent) if item.kind in _OF_TABLE else self._own_original((old or item).key)
        new = self.is_new((old or item).key) and not original if item.kind in _OF_TABLE else self.is_new((old or item).key)
        return {"schema": item.schema, "name": item.name, "table": table, "original": original, "new": new}

    def _own_original(self, key: str) -> str:
        item = self.first.objects.get(key)
        return "" if item is None else f"{item.schema}.{item.name}" if item.schema else item.name

    def _facts(self, item: Object, picture: Picture) -> dict[str, Any]:
        """Facts without numbers, which say nothing to anybody later."""
        parent = item.facts.get("partition_of")
        return item.facts if parent is None else {**item.facts, "partition_of": picture.path(parent) or self.first.path(parent)}


_ORDER = {"dropped": 0, "renamed": 1, "altered": 2, "recreated": 3, "added": 4}


def _pairs(gone: dict[str, Object], come: dict[str, Object]) -> Iterator[tuple[str, str]]:
    """Yield what the server dropped and made again under the same name: constraints and indexes of a changed type."""
    by_name = {(item.kind, item.parent, item.schema, item.name): key for key, item in come.items() if item.kind in ("constraint", "index")}
    for key, item in gone.items():
        if found := by_name.get((item.kind, item.parent, item.schema, item.name)):
            yield key, found
