"""Rows of the journal, and what the next run does about each; pure."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lockgate.journal.statement import Kind, Statement

LONGEST_TEXT = 500  # characters of a statement's text that are kept, for people


@dataclass(frozen=True)
class Entry:
    """
    One statement of a revision.

    Args:
        number: its place among the journaled statements, from 1.
        digest: of its text and parameters.
        done: False for one that was begun and of which nobody knows how it ended.
        text: for people: shortened, without secrets.
        before: the definitions of its things before it began, as a digest each.
        answer: JSON of what it returned; empty where nothing was kept.
    """

    number: int
    digest: str
    kind: Kind
    done: bool
    text: str
    before: tuple[str, ...] = ()
    answer: str = ""


class Move(enum.Enum):
    """What to do about a statement of a resumed revision."""

    RUN = "run"
    SKIP = "skip"
    EXAMINE = "examine"
    REFUSE = "refuse"


def digest_of(sql: str, parameters: object) -> str:
    """Return a digest of a statement's text and parameters."""
    return hashlib.sha256(f"{sql}\0{parameters!r}".encode(errors="surrogatepass")).hexdigest()


def shortened(text: str) -> str:
    """Return a statement's text in one line, for people."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"


def move_for(entry: Entry | None, digest: str) -> Move:
    """
    Say what to do about a statement.

    Args:
        entry: of the same number, as an earlier run left it; None where there is none.
    """
    if entry is None:
        return Move.RUN
    if entry.digest != digest:
        return Move.REFUSE
    if not entry.done:
        return Move.EXAMINE
    # An answer that was too large to be kept is asked for again.
    return Move.RUN if entry.kind is Kind.READ and not entry.answer else Move.SKIP


def happened(statement: Statement, before: Sequence[str], now: Sequence[str]) -> bool | None:
    """
    Say whether a statement of DDL that was begun did happen: the server makes each of them whole or not at all.

    Args:
        before: digests of the definitions of its things before it began; empty for a thing that was not there.
        now: the same, as they are now.
    Returns:
        None where that cannot be told.
    """
    if statement.again:
        return False
    if statement.kind is not Kind.DDL or not before or len(before) != len(now):
        return None
    if statement.drops and any(now):
        return None if tuple(before) != tuple(now) else False
    return tuple(before) != tuple(now)


def left_over(entries: Mapping[int, Entry], last: int) -> Entry | None:
    """Return the first journaled statement behind number `last`: one that the revision does not have any more."""
    numbers = [number for number in entries if number > last]
    return entries[min(numbers)] if numbers else None
