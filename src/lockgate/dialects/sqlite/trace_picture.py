"""
Pictures of a SQLite catalog with numbers that stay.

SQLite numbers nothing but the root page of a table, which a rename keeps and a later table may get again. So names are followed from one
picture to the next. A table that batch mode is making is none: it is the old one, with another definition, from the moment when the old one goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from lockgate.dialects.sqlite.snapshot import snapshot
from lockgate.dialects.sqlite.trace_batch import TEMPORARY
from lockgate.drift.items import View
from lockgate.drift.snapshot import Snapshot
from lockgate.drift.table_items import Column, Constraint, Index, Relation, Trigger
from lockgate.hazards.picture import Object, Picture
from lockgate.hazards.seen import FILE
from lockgate.permit import Session
from lockgate.words import VersionTable

MAIN = "main"
THE_FILE = 1  # the number of the file itself
_ROOTS = "select name, tbl_name, rootpage from sqlite_master where name not like 'sqlite\\_%' escape '\\'"
_PARENT = re.compile(r"\) REFERENCES (?P<parent>.+?)(?: \(| ON |$)")
_INNER = re.compile(r"\(.*\(", re.S)  # a parenthesis inside of an index's list: an expression


class Catalog:
    """Reads pictures, and remembers which number was whose."""

    def __init__(self) -> None:
        self._next = count(THE_FILE + 1)
        self._numbers: dict[str, int] = {}
        self._roots: dict[str, int] = {}
        self._columns: dict[int, dict[str, str]] = {}  # keys by name, by the number of the table
        self._swapped: set[str] = set()
        self._last: tuple[object, Picture] | None = None
        self.sources: dict[str, dict[str, str]] = {}  # by table: what batch mode filled its columns from
        self.copies: dict[int, int] = {}  # by number: how many times batch mode has copied the table

    def forget(self) -> None:
        """Know that a rollback, or anything else that no statement of a revision says, may have changed the file."""
        self._last = None

    def read(self, session: Session) -> Picture:
        """Read the catalog, unless it is as it was at the last look."""
        version = session.execute("pragma schema_version")[0][0]
        if self._last is None or self._last[0] != version:
            self._last = (version, self._read(session))
        return self._last[1]

    def number(self, name: str) -> int:
        """Return the number of a table by its name, that of batch mode's table as well; 0 for an unknown one."""
        return self._numbers.get(name.lower().removeprefix(TEMPORARY), 0)

    def _read(self, session: Session) -> Picture:
        found = snapshot(session, VersionTable(), ())
        roots = {str(name): int(str(root or 0)) for name, _, root in session.execute(_ROOTS)}
        aliases = _aliases(roots)
        self._follow({aliases[name]: root for name, root in roots.items() if aliases.get(name)})
        swapped = {shown.lower() for name, shown in aliases.items() if shown and shown != name}
        for name in swapped - self._swapped:
            self.copies[self._numbers[name]] = self.copies.get(self._numbers[name], 0) + 1
        objects = list(self._objects(found, aliases, swapped - self._swapped))
        self._swapped = swapped
        the_file = Object("file", f"r{THE_FILE}", 0, "", FILE, {"kind": FILE})
        return Picture({item.key: item for item in (the_file, *objects)})

    def _follow(self, roots: Mapping[str, int]) -> None:
        """Give numbers to relations by name; a new name with the root page of one that is gone is that one, renamed."""
        now = {name.lower(): root for name, root in roots.items()}
        gone = {root: name for name, root in self._roots.items() if name not in now and root}
        for name in now.keys() - self._roots.keys():
            if old := gone.get(now[name]):
                self._numbers[name] = self._numbers.pop(old)
            elif name not in self._numbers:
                self._numbers[name] = next(self._next)
        self._roots = now

    def _objects(self, found: Snapshot, aliases: Mapping[str, str], just_swapped: set[str]) -> Iterator[Object]:
        """Yield what is shown; an alias that is empty hides a table with all that belongs to it."""
        columns: dict[str, list[Column]] = {}
        for column in found.of(Column):
            if shown := aliases.get(column.table, column.table):
                columns.setdefault(shown, []).append(column)
        for table, listed in columns.items():
            yield from self._columns_of(table, listed, self.sources.get(table.lower()) if table.lower() in just_swapped else None)
        relations: tuple[Relation | View | Index, ...] = (*found.of(Relation), *found.of(View), *found.of(Index))
        for item in relations:
            name, table = (aliases.get(text, text) for text in (item.name, getattr(item, "table", "")))
            if name and (table or not isinstance(item, Index)):
                yield Object(_word(item), f"r{self._numbers[name.lower()]}", self._parent(table), MAIN, name, _facts(item))
        parts: tuple[Constraint | Trigger, ...] = (*found.of(Constraint), *found.of(Trigger))
        for part in parts:
            if table := aliases.get(part.table, part.table):
                key = f"{part.word[0]}{self._parent(table)}.{part.name.lower()}"
                yield Object(part.word, key, self._parent(table), MAIN, part.name, _facts(part))

    def _parent(self, table: str) -> int:
        return self._numbers.get(table.lower(), 0)

    def _columns_of(self, table: str, listed: list[Column], sources: Mapping[str, str] | None) -> Iterator[Object]:
        number = self._parent(table)
        before, now = self._columns.get(number, {}), [item.name.lower() for item in listed]
        if sources is None:
            sources = _renamed(before, now) | {name: name for name in now if name in before}
        known = {}
        for name, item in zip(now, listed, strict=True):
            known[name] = before.get(sources.get(name, "")) or f"a{number}.{next(self._next)}"
            yield Object("column", known[name], number, MAIN, item.name, _facts(item))
        self._columns[number] = known


def _aliases(roots: Mapping[str, int]) -> dict[str, str]:
    """Names under which relations are shown: batch mode's table has that of the old one where that is gone, and none before."""
    names = {name.lower() for name in roots}
    shown = {}
    for name in roots:
        base = name[len(TEMPORARY) :] if name.startswith(TEMPORARY) else ""
        shown[name] = name if not base else "" if base.lower() in names else base
    return shown


def _renamed(before: Iterable[str], now: Iterable[str]) -> dict[str, str]:
    """The old name by the new one, where one went and one came: no statement drops a column and adds another."""
    gone, come = set(before) - set(now), set(now) - set(before)
    return {come.pop(): gone.pop()} if len(gone) == len(come) == 1 else {}


def _word(item: Any) -> str:
    return "table" if isinstance(item, Relation) else str(item.word)


def _facts(item: Any) -> dict[str, Any]:
    """See `Change`; what is empty is left out, but for what may be false."""
    if isinstance(item, Column):
        told = {"default": item.default, "identity": item.identity_kind, "generated": item.generated, "collation": item.collation}
        return {"type": item.type, "not_null": item.not_null, **{name: value for name, value in told.items() if value}}
    if isinstance(item, Constraint):
        parent = _PARENT.search(item.definition)
        references = {"references": f"{MAIN}.{parent['parent']}"} if parent else {}
        return {"kind": item.kind, "definition": item.definition, "valid": True, "columns": list(item.columns), **references}
    if isinstance(item, Index):
        unique = item.definition.lower().startswith("create unique")
        columns = [] if _INNER.search(item.definition) else list(item.columns)
        return {"kind": "index", "definition": item.definition, "unique": unique, "valid": True, "columns": columns}
    if isinstance(item, Trigger):
        return {"definition": item.definition, "enabled": "O"}
    if isinstance(item, View):
        return {"kind": "view", "definition": item.definition}
    return {"kind": "table", **({"options": item.options} if item.options else {})}
