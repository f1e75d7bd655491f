"""Who writes down the statements of a step on a database that cannot undo them, and tells the user what ran."""

from __future__ import annotations

from lockgate.alembic_seam.crew import Limits
from lockgate.dialects.base import Dialect
from lockgate.errors import Bug
from lockgate.events import Notice, Notify, Retrying
from lockgate.journal.entry import Entry
from lockgate.journal.statement import Kind
from lockgate.permit import Permit
from lockgate.registry import journal
from lockgate.words import Step

_SHOWN_STATEMENTS, _SHOWN_CHARACTERS = 5, 80


class Scribe:
    """Implements the seam's protocol of that name; `permit` and `dialect` are known once the gate was passed."""

    def __init__(self, notify: Notify, limits: Limits) -> None:
        self.limits = limits
        self.permit: Permit | None = None
        self.dialect: Dialect | None = None
        self._notify = notify
        self._statements: list[str] = []  # of the open step, done for good
        self._journaling = False
        self._dropped: set[str] = set()  # INVALID indexes

    def open_journal(self) -> None:
        """Make the journal where there is none, and say before the first statement what this database cannot do."""
        permit, dialect = self._working()
        self._journaling = True
        features = dialect.features
        journal.create(permit, features.registry_prefix, features.moment, features.long_text, features.registry_options)
        for caution in dialect.cautions(permit.session):
            self._notify(Notice(caution))
        permit.session.commit()

    def journal(self, step: Step) -> journal.Journal:
        """See `Scribe`."""
        permit, dialect = self._working()
        self._statements = []
        return journal.Journal(permit, dialect.features.registry_prefix, step.direction, step.revision)

    def dropped_index(self, name: str) -> None:
        """See `Scribe`."""
        self._dropped.add(name)

    def note(self, text: str) -> None:
        """See `Scribe`."""
        self._notify(Notice(text))

    def statement_done(self, step: Step, entry: Entry, skipped: bool) -> None:
        """See `Scribe`."""
        if entry.kind is Kind.READ:
            return
        if skipped and not self._statements:
            self._notify(Notice(f"{step.direction} of `{step.revision}` was broken off by an earlier run; what is done is not run again"))
        self._statements.append(entry.text)

    def retrying(self, step: Step, attempt: int, delay_s: float, reason: str) -> None:
        """See `Scribe`."""
        self._notify(Retrying(step, attempt, delay_s, reason))

    def ran(self, name: str) -> str:
        """What ran of a step and stays, in the user's words; empty for nothing."""
        count = len(self._statements)
        shown = "; ".join(text[:_SHOWN_CHARACTERS] for text in self._statements[-_SHOWN_STATEMENTS:])
        return f"{count} statement{'s' if count != 1 else ''} of {name}, the last: {shown}" if count else ""

    def _working(self) -> tuple[Permit, Dialect]:
        if self.permit is None or self.dialect is None:
            raise Bug("internal", "a step ran without a permit")
        return self.permit, self.dialect
