"""One question to the rows of a target, as a value that a dialect puts into its own words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from msgspec import structs

from lockgate.hazards.answers import Answer, Kind
from lockgate.hazards.effects import Effect
from lockgate.hazards.names import Column, Names
from lockgate.hazards.seen import Change, Relation

_WORD = re.compile(r'"((?:[^"]|"")+)"|([^\W\d]\w*)')


@dataclass(frozen=True)
class Source:
    """
    The rows of a table, with its columns by the names of the plan.

    Args:
        table: qualified, as the target knows it.
        alias: as the plan calls it.
        columns: that the target calls otherwise, or does not have.
        only: without the rows of tables that inherit from it.
    """

    table: str
    alias: str
    columns: tuple[Column, ...] = ()
    only: bool = False


@dataclass(frozen=True)
class Check:
    """
    A question.

    Args:
        answer: what is known without asking; `unknown` says that there is nothing to ask.
        keys: expressions.
        condition: predicate of an index, or what has to be true.
        nulls_equal: NULLs count as duplicates.
        other: where orphans have to be found, by `other_keys`.
        was: type of the value; now: type that it has to fit, empty where `labels` are all that fits.
        labels: of an enum.
        statement: that writes rows, for the planner; locked: it locked the table for that itself, so that it does write there.
    """

    answer: Answer
    source: Source
    keys: tuple[str, ...] = ()
    condition: str = ""
    nulls_equal: bool = False
    other: Source | None = None
    other_keys: tuple[str, ...] = ()
    was: str = ""
    now: str = ""
    labels: tuple[str, ...] = ()
    statement: str = ""
    locked: bool = False

    @property
    def question(self) -> tuple[object, ...]:
        """What is asked, whatever the table."""
        return self.answer.kind, self.keys, self.condition, self.other, self.now, self.labels, self.statement

    def not_asked(self, reason: str) -> Check:
        """Return the question with the reason why no target could answer it."""
        return replace(self, answer=structs.replace(self.answer, unknown=reason, planned=True))

    def reading(self, names: Names, written: Mapping[str, str]) -> Check:
        """Return the question with what the plan itself does before: what it makes or writes cannot be asked of the target."""
        tables = [self.source.table, *([self.other.table] if self.other else [])]
        where = next((written[table] for table in tables if table in written), "")
        new = [column for column in names.columns(self.source.table) if not column.original and column.name in words(*self.keys, self.condition)]
        unknown = self.answer.unknown
        if new and where:
            unknown = f"the plan itself fills `{new[0].name}` ({where})"
        elif any(column.default is None for column in new):
            unknown = f"the plan itself makes `{new[0].name}`"
        return replace(self, answer=structs.replace(self.answer, written=where, unknown=unknown, planned=bool(unknown)))


@dataclass(frozen=True)
class Place:
    """
    A statement, with what the statements before it did.

    Args:
        tables: met so far, by the names that the plan knew them by.
        written: where rows of a table were written first, by its name on the target.
    """

    revision: str
    effect: Effect
    names: Names
    tables: Mapping[str, Relation]
    written: Mapping[str, str]

    def answer(self, kind: Kind, table: str, subject: str = "") -> Answer:
        """Return what is known of a question before it is asked."""
        return Answer(revision=self.revision, number=self.effect.number, kind=kind, table=table, subject=subject)

    def source(self, table: str, alias: str, *, only: bool = False) -> Source:
        """Return the rows of a table."""
        return Source(table, alias, self.names.columns(table), only)

    def check(self, kind: Kind, change: Change, subject: str, **facts: Any) -> Check:
        """Return a question about the table of a change."""
        source = self.source(change.original, change.table or change.name, only=facts.pop("only", False))
        return Check(self.answer(kind, change.original, subject), source, **facts).reading(self.names, self.written)


def rows(place: Place, table: str, subject: str = "") -> Check:
    """How many rows a table has."""
    return Check(place.answer("rows", table, subject), Source(table, "t")).reading(place.names, place.written)


def values(place: Place, table: str, column: str) -> Iterator[Check]:
    """How many values of a column are not NULL; nothing to ask for a column of the plan's own."""
    known = place.names.column(table, column)
    if known.original:
        yield Check(place.answer("values", table, column), Source(table, "t"), keys=(quoted(known.original),))


def nulls(place: Place, change: Change, column: str) -> Check:
    """How many rows have no value in a column."""
    return place.check("nulls", change, column, keys=(quoted(column),))


def duplicates(place: Place, change: Change) -> Check:
    """How many keys of a unique index occur more than once."""
    facts = change.after
    return place.check(
        "duplicates",
        change,
        change.name,
        keys=tuple(map(str, facts.get("columns") or ())),
        condition=str(facts.get("predicate") or ""),
        nulls_equal=bool(facts.get("nulls_not_distinct")),
        only=facts.get("kind") == "index",
    )


def breaking(place: Place, kind: Kind, change: Change, subject: str, condition: str) -> Check:
    """How many rows do not satisfy a condition."""
    return place.check(kind, change, subject, condition=condition)


def orphans(place: Place, change: Change, keys: Sequence[str], references: str, others: Sequence[str]) -> Iterator[Check]:
    """How many keys have no row at the other end; none where a key is a new column that is NULL in every row."""
    found = _referenced(place, references)
    if found and found.new:
        yield not_asked(place, change, f"the plan itself makes `{references}`", "orphans")
        return
    table = found.original if found else references
    other = place.source(table, references.rpartition(".")[2])
    check = place.check("orphans", change, change.name, keys=tuple(keys), other=other, other_keys=tuple(others))
    empty = {column.name for column in place.names.columns(change.original) if not column.original and column.default == ""}
    if check.answer.planned or not empty & words(*keys):
        yield check


def _referenced(place: Place, references: str) -> Relation | None:
    """The table at the other end; the server leaves out a schema of the search_path where it prints a constraint."""
    named = (table for table in place.tables.values() if table.name == references)
    return place.tables.get(references) or next(named, None)


def not_asked(place: Place, change: Change, reason: str, kind: Kind = "violations") -> Check:
    """What cannot be asked in SQL, or only of the plan itself."""
    return place.check(kind, change, change.name).not_asked(reason)


def quoted(name: str) -> str:
    """Return a name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def words(*texts: str) -> set[str]:
    """Return the names and other words in SQL texts."""
    return {(inner or plain).replace('""', '"') for text in texts for inner, plain in _WORD.findall(text)}

