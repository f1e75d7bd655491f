"""
Which questions to a target's rows a plan leads to, in the names that the target knows; pure.

They follow from what the catalog became, not from the text of statements: whatever made a column NOT NULL, the rows without a value break it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import structs

from lockgate.hazards import questions
from lockgate.hazards.effects import Effect, Effects, RevisionEffects
from lockgate.hazards.fitting import fit
from lockgate.hazards.hits import Hits
from lockgate.hazards.names import Names, met, originals, parts
from lockgate.hazards.questions import Check, Place
from lockgate.hazards.raising import computed
from lockgate.hazards.seen import Change, Relation
from lockgate.hazards.writes import Writes
from lockgate.secret import MASK

_FOREIGN = re.compile(r"FOREIGN KEY \((?P<keys>.+?)\) REFERENCES (?P<table>.+?)\((?P<others>[^)]+)\)")
_CHECK = re.compile(r"CHECK (\(.*\))(?: NO INHERIT)?(?: NOT VALID)?(?: NOT ENFORCED)?", re.S)
_INTO = re.compile(r"\s*(?:update(?:\s+or\s+\w+|\s+ignore)?|delete\s+from|(?:insert|replace)\b.*?\binto)\s+([`\"\w.]+)", re.I | re.S)
_WORD = re.compile(r"\w+")
_NOT_NULL = re.compile(r"NOT NULL (?P<column>.+?)(?: NO INHERIT)?(?: NOT VALID)?")


def checks(effects: Effects, parser: Any = None, *, tells_reads: bool = True) -> tuple[Check, ...]:
    """
    Return the questions, in the order of the statements.

    Args:
        parser: the module postgast; None where it is not installed: then no text of a statement is read for the rows that it meets.
        tells_reads: the trace tells which tables a statement read; otherwise nothing counts as proved without a look.
    """
    deriving = _Deriving(tells_reads, [size.path for size in effects.sizes], Hits(effects.demands, parser))
    return tuple(check for revision, effect in effects.each() for check in deriving.statement(revision, effect))


def clean(effects: Effects, parser: Any = None) -> tuple[Check, ...]:
    """Return the questions whose answer was that no row stands in the way; those that a mask made unreadable are left out. `parser` as of `checks`."""
    found = {structs.replace(answer, count=-1) for answer in effects.answers if answer.is_clean}
    return tuple(check for check in checks(effects, parser) if check.answer in found and MASK not in f"{check.keys}{check.condition}{check.labels}")


class _Deriving:
    """Goes through a plan and remembers what earlier statements did."""

    def __init__(self, tells_reads: bool, known: Sequence[str], hits: Hits) -> None:
        self._tells_reads = tells_reads
        self._known = known  # tables of the target
        self._names = Names()
        self._tables: dict[str, Relation] = {}
        self._written: dict[str, str] = {}  # where rows of a table are written first
        self._constraints: dict[tuple[str, str], dict[str, Any]] = {}
        self._labels: dict[str, list[str]] = {}  # of enums, by name
        self._made: set[str] = set()  # types and domains
        self._functions: set[str] = set()
        self._writes = Writes()
        self._hits = hits

    def statement(self, revision: RevisionEffects, effect: Effect) -> list[Check]:
        """Return one statement's questions."""
        self._tables |= originals(effect)
        place = Place(revision.id, effect, self._names, self._tables, dict(self._written))
        found = [*_gone(place), *self._writes.statement(place), *map(self._askable, self._hits.statement(place))]
        for check in found:
            if check.answer.kind in ("carried", "unset"):  # the copy has no rows there that could be locked
                self._written.setdefault(check.answer.table, f"{revision.id} line {effect.line}")
        self._hits.follow(effect)
        self._names.follow(effect)
        self._remember_types(effect)
        for change in effect.changes:
            if change.original and not change.new:
                found += map(self._askable, self._change(place, change))
        self._remember_writes(revision, effect)
        return _without_partitions(found, effect)

    def _change(self, place: Place, change: Change) -> Iterator[Check]:
        if change.kind == "column":
            yield from self._column(place, change)
        elif change.kind == "index" and change.how == "added" and change.after.get("unique"):
            yield questions.duplicates(place, change)
        elif change.kind == "constraint" and change.how in ("added", "altered"):
            yield from self._constraint(place, change)
        elif change.kind == "table" and change.how == "altered" and "partition_constraint" in change.after and self._is_read(place.effect, change):
            yield questions.breaking(place, "outside", change, change.name, str(change.after["partition_constraint"]))

    def _column(self, place: Place, change: Change) -> Iterator[Check]:
        if change.how == "added" and change.wants_a_value and not change.after.get("implicit"):
            yield questions.rows(place, change.original, change.name)
        elif change.how == "added" and change.after.get("generated") == "s" and (value := computed(change)):
            yield place.check("computed", change, change.name, keys=(value,))
        elif change.how == "altered":
            if change.after.get("not_null") and not _is_put_off(place.effect) and self._is_read(place.effect, change):
                yield questions.nulls(place, change, change.name)
            if "type" in change.after:
                yield from fit(place, change, self._labels, self._made)

    def _constraint(self, place: Place, change: Change) -> Iterator[Check]:
        known = self._constraints.setdefault((change.original, change.name), {})
        known.update(change.after)
        if not change.after.get("valid"):
            return
        definition = str(known.get("definition", ""))
        if match := _CHECK.fullmatch(definition):
            yield questions.breaking(place, "violations", change, change.name, match[1])
        elif match := _FOREIGN.match(definition):
            references = str(known.get("references") or ".".join(parts(match["table"])))
            yield from questions.orphans(place, change, match["keys"].split(", "), references, match["others"].split(", "))
        elif known.get("kind") in ("unique", "primary key") and "index" not in known:
            yield questions.duplicates(place, change)  # a catalog that has no index of its own for it
        elif known.get("kind") == "exclusion":
            yield questions.not_asked(place, change, "which rows exclude each other is not asked")
        elif change.how == "altered" and (match := _NOT_NULL.fullmatch(definition)):
            yield questions.nulls(place, change, parts(match["column"])[0])

    def _askable(self, check: Check) -> Check:
        """What calls a function of the plan, or casts to a type of it, is not asked: the target has none, or another one."""
        said = " ".join((*check.keys, check.condition))
        called = next((name for name in sorted(self._functions) if re.search(rf"\b{re.escape(name)}\"?\s*\(", said)), "")
        cast = next((name for name in sorted(self._made) if re.search(rf"::(?:\"?\w+\"?\.)?\"?{re.escape(name)}\b", said)), "")
        if check.answer.unknown or not (called or cast):
            return check
        return check.not_asked(f"the plan itself makes the function `{called}`" if called else f"the plan itself makes the type `{cast}`")

    def _is_read(self, effect: Effect, change: Change) -> bool:
        """Whether the server looked at the rows; it does not where a valid CHECK has proved it already."""
        tables = {thing.relation.original for things in (effect.scans, effect.rewrites) for thing in things}
        partitioned = any(lock.relation.original == change.original and lock.relation.kind == "partitioned table" for lock in effect.locks)
        return not self._tells_reads or change.original in tables or partitioned

    def _remember_types(self, effect: Effect) -> None:
        for change in effect.changes:
            if change.kind == "enum value" and change.how == "added":
                self._labels.setdefault(change.table, []).append(change.name)
            elif change.kind in ("type", "domain") and change.how == "added":
                self._made.add(change.name)
            elif change.kind == "function" and change.how != "dropped":  # the target has none by this name, or one that says something else
                self._functions.add(change.name.partition("(")[0])

    def _remember_writes(self, revision: RevisionEffects, effect: Effect) -> None:
        here = f"{revision.id} line {effect.line}"
        for lock in effect.locks:
            if "RowExclusiveLock" in lock.modes:
                self._written.setdefault(lock.relation.original, here)
        for rewrite in effect.rewrites:
            if rewrite.reason == "truncate":
                self._written.setdefault(rewrite.relation.original, here)
        # What a loop over rows does is not seen on a copy without rows.
        later = [line for line in revision.not_run if line > effect.line]
        if effect.command == "SELECT" and later:
            for original in self._read(effect):
                self._written.setdefault(original, f"{revision.id} line {later[0]}, which did not run on the copy,")
        if not self._tells_reads and (into := _INTO.match(effect.text)):
            for original in self._called(parts(into[1].replace("`", '"'))[-1].lower()):
                self._written.setdefault(original, here)

    def _read(self, effect: Effect) -> list[str]:
        """What a SELECT reads, by the names that the target knows; by its text where nothing else tells."""
        if self._tells_reads:
            return [relation.original for relation in met(effect)]
        return [original for word in _WORD.findall(effect.text) for original in self._called(word.lower())]

    def _called(self, name: str) -> list[str]:
        now = [relation.original for relation in self._tables.values() if relation.name.lower() == name and relation.original]
        return now or [path for path in self._known if path.partition(".")[2].lower() == name]


def _gone(place: Place) -> Iterator[Check]:
    """What a statement drops or empties, by the names before it."""
    for drop in place.effect.drops:
        if drop.new or drop.kind not in ("table", "materialized view", "table column"):
            continue
        names = parts(drop.identity)
        table = place.tables.get(".".join(names[:2]))
        original = table.original if table else ".".join(names[:2])
        if drop.kind == "table column":
            yield from questions.values(place, original, names[-1])
        elif drop.kind == "table" or drop.named:
            yield questions.rows(place, original)
    for rewrite in place.effect.rewrites:
        if rewrite.reason == "truncate" and rewrite.relation.original:
            yield questions.rows(place, rewrite.relation.original)


def _is_put_off(effect: Effect) -> bool:
    """NOT NULL ... NOT VALID: rows that are there already are looked at later."""
    added = (change.after for change in effect.changes if change.kind == "constraint" and change.how == "added")
    return any(facts.get("kind") == "not null" and facts.get("valid") is False for facts in added)


def _without_partitions(found: Iterable[Check], effect: Effect) -> list[Check]:
    """A question about a partitioned table is about its partitions as well, each of which changed in the same way."""
    whole = {relation.original for relation in met(effect) if relation.kind == "partitioned table"}
    asked = {check.question for check in found if check.answer.table in whole}
    return [check for check in found if check.answer.table in whole or check.question not in asked]
