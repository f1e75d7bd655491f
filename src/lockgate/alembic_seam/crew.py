"""What the seam asks of a run: the gate's two judgements, and somebody to tell what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lockgate.dialects.base import Dialect
from lockgate.errors import Failed
from lockgate.journal.entry import Entry
from lockgate.permit import Permit, Session
from lockgate.words import Step, VersionChange, VersionTable


@dataclass(frozen=True)
class Limits:
    """
    How long a revision may wait and run; see `settings.project.Environment`.

    Args:
        lock_timeout: seconds one statement may queue for a table; None for the default.
        lock_wait: seconds to go on trying.
        statement_timeout: seconds one statement may run; None for no limit.
    """

    lock_timeout: float | None = None
    lock_wait: float = 300.0
    statement_timeout: float | None = None


@dataclass(frozen=True)
class Done:
    """
    A step that has run and is about to be committed.

    Args:
        before, after: heads.
        transaction: as `Dialect.open_step` named it.
        change: of the version table, which is still to be made, together with the row; None where Alembic has made it.
    """

    step: Step
    before: tuple[str, ...]
    after: tuple[str, ...]
    duration_ms: int
    transaction: str
    change: VersionChange | None = None


class StatementJournal(Protocol):
    """Implemented by `registry/journal.py`: what is written down of one step's statements."""

    def entries(self) -> Mapping[int, Entry]:
        """What earlier runs wrote, by number."""

    def write(self, entries: Sequence[Entry]) -> None:
        """Add rows in the open transaction."""

    def finish(self, number: int) -> None:
        """Say that a statement that was begun is done."""

    def strike(self, number: int) -> None:
        """Take a statement back that was begun and did not happen."""

    def remedy(self, number: int, done: bool) -> str:
        """The SQL by which a user says whether a statement that was begun happened."""


class Scribe(Protocol):
    """Who writes down the statements of a step, where the database cannot undo them."""

    limits: Limits

    def journal(self, step: Step) -> StatementJournal:
        """Where the statements of a step are written down."""

    def dropped_index(self, name: str) -> None:
        """An INVALID index is gone; where it is INVALID again at the end, this run made it so."""

    def note(self, text: str) -> None:
        """Something that the user should read although nothing is wrong."""

    def statement_done(self, step: Step, entry: Entry, skipped: bool) -> None:
        """A statement is done for good, whatever becomes of its revision: a moment ago, or by an earlier run."""

    def retrying(self, step: Step, attempt: int, delay_s: float, reason: str) -> None:
        """A step could not get a lock and is about to be tried again."""


class Crew(Scribe, Protocol):
    """Implemented by `runs/passage.py`; called by the seam while env.py runs."""

    def judge_new(self, session: Session, dialect: Dialect) -> None:
        """Judge a connection that was opened a moment ago, by its marker alone; raises `Refused`."""

    def judge(self, session: Session, dialect: Dialect, version_table: VersionTable) -> None:
        """Judge the connection that env.py brought, in its own transaction; raises `Refused`."""

    def enter(self, session: Session, dialect: Dialect, version_table: VersionTable) -> Permit:
        """Take the lock on this session, judge again under it, write the marker where it is due; raises `Refused` or `Busy`."""

    def planned(self, steps: Sequence[Step]) -> None:
        """These steps are about to run; no transaction is open. Raises `Failed` where another one must be finished first."""

    def open_journal(self) -> None:
        """Make the journal of statements where there is none; no transaction is open."""

    def started(self, step: Step) -> None:
        """A step begins; no transaction is open."""

    def lock_lost(self) -> Failed:
        """Return the error that the session holds lockgate's lock no longer."""

    def record(self, done: Done) -> None:
        """
        Write the step's row, inside its transaction; raises `Failed` where it must not be committed.
        """

    def left_transaction(self, step: Step, before: tuple[str, ...]) -> None:
        """The step leaves its transaction (autocommit): whatever it does from here on stays."""

    def committed(self, step: Step, duration_ms: int) -> None:
        """The step was committed."""

    def finished(self, heads: tuple[str, ...], fresh: Session) -> None:
        """All steps were committed; the lock is still held. `heads`: what the version table should say to `fresh` now."""

    def failed(self, error: BaseException) -> None:
        """The run broke off with `error`; nothing is open on the permit's session, and the lock is still held."""

    def cancel(self, driver_connection: Any) -> None:
        """Stop the statement that runs on the permit's connection; called from another thread."""

    def leave(self) -> None:
        """Let go of the lock; quiet where the connection is gone."""
