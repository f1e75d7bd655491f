"""
Pictures of a catalog that numbers nothing, or nothing that stays: names are followed from one picture to the next.

A statement of DDL renames one thing at most, so a name that went and one that came at once are one thing under another name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from lockgate.drift.items import View
from lockgate.drift.snapshot import Snapshot
from lockgate.drift.table_items import Column, Constraint, Index, Relation, Trigger
from lockgate.hazards.picture import Object, Picture
from lockgate.hazards.snippets import identifier

_FIRST = 2  # number of the first relation; 1 is for what stands for all tables
_PARENT = re.compile(r"\) REFERENCES (?P<parent>.+?)(?: \(| ON |$)")
_WHERE = re.compile(r"\)\s+WHERE\s+(?P<predicate>.+)$", re.I | re.S)
_INNER = re.compile(r"\(.*\(", re.S)  # a parenthesis inside of an index's list: an expression


class NamedCatalog:
    """
    Remembers which number was whose.

    Args:
        schema: what all relations are said to be in; empty for nothing.
    """

    def __init__(self, schema: str) -> None:
        self.schema = schema
        self._next = count(_FIRST)
        self._numbers: dict[str, int] = {}
        self._marks: dict[str, object] = {}
        self._indexes: dict[tuple[int, str], int] = {}  # by the number of the table and name
        self._columns: dict[int, dict[str, str]] = {}  # keys by name, by the number of the table
        self.copies: dict[int, int] = {}  # by number: how many times the table was written anew

    def number(self, name: str) -> int:
        """Return the number of a table or view by its name; 0 for an unknown one."""
        return self._numbers.get(name.lower(), 0)

    def copied(self, number: int) -> None:
        """Know that a table was written anew."""
        self.copies[number] = self.copies.get(number, 0) + 1

    def follow(self, marks: Mapping[str, object]) -> None:
        """
        Give numbers to tables and views by name.

        Args:
            marks: what a rename keeps, by name: a new name with the mark of one that is gone is that one. None for what has no mark.
        """
        now = {name.lower(): mark for name, mark in marks.items()}
        gone = {mark: name for name, mark in self._marks.items() if name not in now and mark is not None}
        for name in now.keys() - self._marks.keys():
            if old := gone.get(now[name]):
                self._numbers[name] = self._numbers.pop(old)
            elif name not in self._numbers:
                self._numbers[name] = next(self._next)
        self._marks = now

    def objects(
        self, found: Snapshot, aliases: Mapping[str, str] | None = None, sources: Mapping[str, Mapping[str, str]] | None = None
    ) -> Iterator[Object]:
        """
        Yield what is shown.

        Args:
            aliases: other names to show relations under; an empty one hides the relation with all that belongs to it.
            sources: by table in lower case: the old column of each new one, for a table that has become another one.
        """
        shown = aliases or {}
        columns: dict[str, list[Column]] = {}
        for column in found.of(Column):
            columns.setdefault(shown.get(column.table, column.table), []).append(column)
        columns.pop("", None)
        for table, listed in columns.items():
            yield from self._columns_of(table, listed, (sources or {}).get(table.lower()))
        relations: tuple[Relation | View, ...] = (*found.of(Relation), *found.of(View))
        for item in relations:
            if name := shown.get(item.name, item.name):
                yield Object(_word(item), f"r{self.number(name)}", 0, self.schema, name, self.facts(item))
        parts: tuple[Constraint | Trigger | Index, ...] = (*found.of(Constraint), *found.of(Trigger), *found.of(Index))
        for part in parts:
            if table := shown.get(part.table, part.table):
                yield Object(part.word, self._key(part, self.number(table)), self.number(table), self.schema, part.name, self.facts(part))

    def _key(self, part: Constraint | Trigger | Index, number: int) -> str:
        if not isinstance(part, Index):
            return f"{part.word[0]}{number}.{part.name.lower()}"
        label = number, part.name.lower()
        if label not in self._indexes:
            self._indexes[label] = next(self._next)
        return f"r{self._indexes[label]}"

    def _columns_of(self, table: str, listed: list[Column], sources: Mapping[str, str] | None) -> Iterator[Object]:
        number = self.number(table)
        before, now = self._columns.get(number, {}), [item.name.lower() for item in listed]
        if sources is None:
            sources = _renamed(before, now) | {name: name for name in now if name in before}
        known = {}
        for name, item in zip(now, listed, strict=True):
            known[name] = before.get(sources.get(name, "")) or f"a{number}.{next(self._next)}"
            yield Object("column", known[name], number, self.schema, item.name, self.facts(item))
        self._columns[number] = known

    def facts(self, item: Any) -> dict[str, Any]:
        """Return the facts of an object as `Change` has them; what is empty is left out, but for what may be false."""
        if isinstance(item, Column):
            told = {"default": item.default, "identity": item.identity_kind, "generated": item.generated, "collation": item.collation}
            return {"type": item.type, "not_null": item.not_null, **{name: value for name, value in told.items() if value}}
        if isinstance(item, Constraint):
            parent = _PARENT.search(item.definition)
            references = {"references": ".".join(part for part in (self.schema, parent["parent"]) if part)} if parent else {}
            return {"kind": item.kind, "definition": item.definition, "valid": True, "columns": list(item.columns), **references}
        if isinstance(item, Index):
            unique = item.definition.lower().startswith("create unique")
            where = _WHERE.search(item.definition)
            listed = item.definition[: where.start() + 1] if where else item.definition
            columns = [] if _INNER.search(listed) else list(item.columns)
            predicate = {"predicate": where["predicate"]} if where else {}
            return {"kind": "index", "definition": item.definition, "unique": unique, "valid": True, "columns": columns, **predicate}
        if isinstance(item, Trigger):
            return {"definition": item.definition, "enabled": "O"}
        if isinstance(item, View):
            return {"kind": "view", "definition": item.definition}
        return {"kind": "table", **({"options": item.options} if item.options else {})}


def drops(before: Picture, after: Picture, copied: set[int]) -> Iterator[dict[str, Any]]:
    """
    Tell drops in the words of PostgreSQL's `sql_drop`.

    Args:
        copied: numbers of tables that batch mode has made anew: what it has not made again yet may come in a later statement.
    """
    for item in before.objects.values():
        if item.key not in after.objects and (entry := _drop(item, before, after, copied)):
            yield entry


def _drop(item: Object, before: Picture, after: Picture, copied: set[int]) -> dict[str, Any] | None:
    table = before.relation(item.parent)
    stays = table is not None and after.relation(item.parent) is not None
    if item.kind == "constraint" or (item.kind == "column" and not stays) or (item.kind in ("index", "trigger") and item.parent in copied):
        return None
    number = item.parent if item.kind in ("column", "trigger") else int(item.key[1:])
    owner = (table.name,) if table is not None and item.kind == "column" else ()
    kind = "table column" if item.kind == "column" else item.kind
    entry = {"drop": kind, "identity": identifier(item.schema, *owner, item.name), "schema": item.schema}
    return {**entry, "named": stays or table is None, "cascade": False, "class": 0, "id": number, "key": item.key}


def _renamed(before: Iterable[str], now: Iterable[str]) -> dict[str, str]:
    """The old name by the new one, where one went and one came: no statement drops a column and adds another."""
    gone, come = set(before) - set(now), set(now) - set(before)
    return {come.pop(): gone.pop()} if len(gone) == len(come) == 1 else {}


def _word(item: Relation | View) -> str:
    return "table" if isinstance(item, Relation) else "view"
