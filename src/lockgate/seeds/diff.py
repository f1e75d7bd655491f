"""What a difference between a file and its table asks for: nothing, writing, or a refusal."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from lockgate.seeds.rows import Counts
from lockgate.seeds.spec import OnChange, Seed, UnknownRows


class Move(str, enum.Enum):
    """What to do with a compared seed."""

    SKIP = "skip"
    WRITE = "write"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Judgement:
    """
    What to do, in rows; the numbers are 0 where nothing is written.

    Args:
        code: of the refusal; empty for every other move.
        reason: one sentence for people.
    """

    move: Move
    inserts: int = 0
    updates: int = 0
    deletes: int = 0
    code: str = ""
    reason: str = ""


def judge(counts: Counts, seed: Seed) -> Judgement:
    """Say what the seed's promise asks for, given how its file and the table differ."""
    if seed.unknown_rows is UnknownRows.REFUSE and counts.unknown:
        reason = f"the table has {_rows(counts.unknown)} whose key the file of `{seed.name}` does not have"
        return Judgement(Move.REFUSE, code="seed-unknown-rows", reason=reason)
    updates = counts.changed if seed.on_change is OnChange.UPDATE else 0
    deletes = counts.unknown if seed.unknown_rows is UnknownRows.DELETE else 0
    if counts.new or updates or deletes:
        return Judgement(Move.WRITE, counts.new, updates, deletes, reason=_to_write(counts.new, updates, deletes))
    return Judgement(Move.SKIP, reason=_nothing(counts))


def _nothing(counts: Counts) -> str:
    kept = f', {_rows(counts.changed)} kept as the table has them (`on_change = "insert-only"`)' if counts.changed else ""
    return f"the table has every row of the file{kept}"


def _to_write(inserts: int, updates: int, deletes: int) -> str:
    parts = [(inserts, "to insert"), (updates, "to update"), (deletes, "to delete")]
    return ", ".join(f"{_rows(number)} {what}" for number, what in parts if number)


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def first_fault(one: Sequence[str], other: Sequence[str]) -> int | None:
    """
    Find the statement because of which a script changes a table each time that it runs.

    Args:
        one: the table's fingerprints in one run: before the first statement, and after each.
        other: those of the run after it.
    Returns:
        Index of the statement from 0: the last one that made the runs differ although they had come to agree (a DELETE makes
        them agree, the INSERT behind it is at fault); else, where they agree after each, the last one that changes the table;
        else the first one that does. None where none changes it.
    """
    differ = [before != after for before, after in zip(one, other, strict=True)]
    parted = [index for index in range(len(differ) - 1) if differ[index + 1] and not differ[index]]
    changes = [index for index in range(len(other) - 1) if other[index] != other[index + 1]]
    if parted:
        return parted[-1]
    return (changes[0] if any(differ) else changes[-1]) if changes else None
