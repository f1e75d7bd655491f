"""One run of env.py behind the gate: what the seam reports becomes events, ledger rows and, at the end, a proven result."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lockgate.alembic_seam.crew import Done, Limits
from lockgate.alembic_seam.errors import Scene, translate
from lockgate.dialects.base import Dialect
from lockgate.errors import NOTHING, Failed, LockgateError
from lockgate.events import Applied, LeftTransaction, Notice, Notify, Started
from lockgate.files import revision_text
from lockgate.graph import fingerprint
from lockgate.permit import Permit, Session
from lockgate.registry import journal, ledger, marker
from lockgate.runs.gate import Gate
from lockgate.runs.leftovers import drop_leftovers, refuse_another
from lockgate.runs.onlooker import Onlooker
from lockgate.runs.scribe import Scribe
from lockgate.runs.sight import see
from lockgate.words import Sight, Step, StepDone, VersionTable


class Passage(Scribe):
    """
    Implements the seam's `Crew` for one call of a verb; survives the passes of env.py.

    Args:
        limits: of the environment.
        folder: of the project.
        bootstrapped: whether the project has base tables for an empty database.
        created: the database, where it was made for this call; empty otherwise.
        onlooker: sees from outside who makes the run wait; None where lockgate has no way to the database but env.py's.
    """

    def __init__(
        self,
        gate: Gate,
        notify: Notify,
        limits: Limits,
        folder: Path,
        bootstrapped: bool = False,
        created: str = "",
        onlooker: Onlooker | None = None,
    ) -> None:
        super().__init__(notify, limits)
        self.recorded = False
        self.created = created
        self.base = ""  # what was committed before the first step: a bootstrap
        self.steps: list[StepDone] = []
        self.after: Sight | None = None
        self.step: Step | None = None
        self._gate = gate
        self._folder = folder
        self._bootstrapped = bootstrapped
        self._onlooker = onlooker
        self._session_id = ""
        self._left_transaction = False
        self._committing = False
        self._tries = 1

    @property
    def changes(self) -> tuple[str, ...]:
        """What was committed so far, in the user's words; empty for nothing."""
        words = {"upgrade": "applied", "downgrade": "downgraded", "stamp": "stamped"}
        done = [done for done in (self.created, self.base) if done]
        if self.steps:
            done.append(f"{words[self.steps[0].step.direction]} " + ", ".join(f"`{item.step.revision}`" for item in self.steps))
        if self.step is not None and self._statements:
            done.append(self.ran(f"`{self.step.revision}`"))
        elif self.step is not None and self._left_transaction:
            done.append(f"perhaps a part of `{self.step.revision}`, which left its transaction")
        return tuple(done)

    def changed_at_end(self, *, unanswered: bool) -> str:
        """
        Say what was committed when the run broke off.

        Args:
            unanswered: nobody heard the server's last answer; where that was to a COMMIT, only the server knows how it ended.
        """
        done = list(self.changes)
        if unanswered and self._committing and self.step is not None:
            done.append(f"perhaps `{self.step.revision}`, whose COMMIT was not answered")
        return "; ".join(done) or NOTHING

    @property
    def may_begin_again(self) -> bool:
        """Whether the run may be tried anew after a deadlock: a plan holds for the schema that it was made for, before the first commit."""
        return self._gate.proof is None or not self.changes

    @property
    def blockers(self) -> tuple[str, ...]:
        """Who was in the way of the step that failed, as far as anybody was seen."""
        return self._onlooker.seen if self._onlooker else ()

    @property
    def scene(self) -> Scene:
        """Where the run stands, for the translation of an error."""
        place = self.permit.sight.place if self.permit else self._gate.where
        at_base = self.permit is not None and not self.permit.sight.heads and not self._bootstrapped and not self.steps
        return Scene(self._folder, place, self.dialect, self.step, at_base)

    def judge_new(self, session: Session, dialect: Dialect) -> None:
        """See `Crew`."""
        self._gate.check_marker(session, dialect)

    def judge(self, session: Session, dialect: Dialect, version_table: VersionTable) -> None:
        """See `Crew`."""
        self.dialect = dialect
        seen = see(session, dialect, dialect.place(session), version_table)
        self._gate.check(seen)
        if self._gate.proof and self.permit is None:  # later the session has written what it was let in for
            self._gate.proof.check_env(session, dialect, seen.place)

    def enter(self, session: Session, dialect: Dialect, version_table: VersionTable) -> Permit:
        """See `Crew`."""
        self.permit = self._gate.enter(session, dialect, version_table)
        if self._gate.proof:
            self._gate.proof.check_rows(self.permit.sight.place)
        self._session_id = dialect.session_id(session)
        self._dropped |= drop_leftovers(self.permit, dialect, self._notify, self.limits)
        return self.permit

    def planned(self, steps: Sequence[Step]) -> None:
        """See `Crew`."""
        permit, dialect = self._working()
        half = permit.sight.half_applied
        if self._gate.proof:
            self._gate.proof.check_steps(steps, permit.sight.place)
        refuse_another(half, steps, permit.sight.place)
        if half is not None and any(step.direction == "stamp" for step in steps):
            self._notify(Notice(f"the stamp ends what was half applied ({half}): nobody has compared the schema with it"))
        if steps and dialect.features.journal:
            self.open_journal()

    def started(self, step: Step) -> None:
        """See `Crew`."""
        self.step, self._left_transaction, self._committing = step, False, False
        self._statements, self._tries = [], 1
        self._notify(Started(step))
        if self._onlooker and self._session_id:
            self._onlooker.watch(self._session_id, step)

    def retrying(self, step: Step, attempt: int, delay_s: float, reason: str) -> None:
        """See `Crew`."""
        self._tries = attempt + 1
        super().retrying(step, attempt, delay_s, reason)

    def lock_lost(self) -> Failed:
        """See `Crew`."""
        return ledger.lock_lost(self._working()[0])

    def record(self, done: Done) -> None:
        """See `Crew`."""
        permit, dialect = self._working()
        step = done.step
        outcome = "stamped" if step.direction == "stamp" else "applied"
        # Only what went up has left the file's content in the schema.
        source = fingerprint(revision_text(Path(step.file))) if step.direction == "upgrade" and step.file else ""
        details = self._details(**self._pace(step))
        event = ledger.Event(outcome, step.revision, done.before, done.after, done.duration_ms, details=details, source=source)
        guard = dialect.ledger_guard(done.transaction)
        ledger.append(permit, dialect.features.registry_prefix, event, guard, done.transaction, done.change)
        if self._left_transaction:
            self._refuse_invalid(dialect.invalid_indexes(permit.session))
        if self._journaling or permit.sight.half_applied is not None:
            # A stamp says what the schema is, whatever was left of other revisions.
            journal.forget_all(permit, dialect.features.registry_prefix)
        self._committing = True

    def left_transaction(self, step: Step, before: tuple[str, ...]) -> None:
        """See `Crew`."""
        permit, dialect = self._working()
        if not self._left_transaction:
            self._notify(LeftTransaction(step))
        self._left_transaction = True
        details = self._details(invalid_indexes=permit.sight.invalid_indexes)
        ledger.append(
            permit,
            dialect.features.registry_prefix,
            ledger.Event("started", step.revision, before, before, details=details),
            dialect.ledger_guard(),
        )

    def _pace(self, step: Step) -> dict[str, object]:
        """What tells a later plan how its own estimates compare with the step's time."""
        if self._tries > 1:
            return {"tries": self._tries}
        return self._gate.proof.work(step.revision) if self._gate.proof and step.direction == "upgrade" else {}

    def _details(self, **facts: object) -> str:
        """What the ledger keeps besides its columns, as JSON; empty for nothing."""
        if self._gate.proof:
            facts |= self._gate.proof.entry
        return json.dumps(facts) if facts else ""

    def committed(self, step: Step, duration_ms: int) -> None:
        """See `Crew`."""
        self.step, self._committing = None, False
        if self._onlooker:
            self._onlooker.rest()
        self.steps.append(StepDone(step, duration_ms))
        self._notify(Applied(self.steps[-1]))

    def finished(self, heads: tuple[str, ...], fresh: Session) -> None:
        """
        Hold the run to what a fresh connection sees.

        Raises:
            Failed: `not-at-target` or `invalid-index`.
        """
        permit, dialect = self._working()
        table = permit.sight.version_table
        if table is None:
            # env.py's search_path holds on its own connection only: there the version table's schema is found.
            here = see(permit.session, dialect, permit.sight.place, permit.version_table)
            permit.session.rollback()
            table = here.version_table or permit.version_table
        after = see(fresh, dialect, permit.sight.place, table)
        if after.heads != heads:
            found, wanted = ", ".join(after.heads) or "base", ", ".join(heads) or "base"
            hint = "a revision may have committed or rolled back by hand; compare `lockgate history` with the schema"
            raise Failed(
                "not-at-target", f"the database is at `{found}`, the run should have brought it to `{wanted}`", permit.sight.place, hint
            )
        self._refuse_invalid(after.invalid_indexes)
        marker.keep(permit, dialect.features.registry_prefix, table, after.tables)
        self.after = after

    def _refuse_invalid(self, now: Sequence[str]) -> None:
        """Somebody else's are none of our business; those of before the run are somebody else's, or were dropped."""
        permit, _ = self._working()
        broken = sorted(set(now) - (set(permit.sight.invalid_indexes) - self._dropped))
        if broken:
            what = f"index {', '.join(broken)} is INVALID: its CONCURRENTLY build did not end well"
            hint = "look why it broke (duplicate rows, mostly), then run the command again: it is dropped and built anew"
            raise Failed("invalid-index", what, permit.sight.place, hint)

    def failed(self, error: BaseException) -> None:
        """See `Crew`. A row that cannot be written never hides what it is about."""
        if self._onlooker:
            self._onlooker.rest()
        if self.permit is None or self.dialect is None or not isinstance(error, (Exception, SystemExit)):
            return  # of an interruption the connection mostly dies; who called the run writes it down
        ours = error if isinstance(error, LockgateError) else translate(error, self.scene)
        revision = self.step.revision if self.step else ""
        event = ledger.Event("failed", revision, self.permit.sight.heads, error=f"{ours.code}: {ours.what}")
        with suppress(Exception):
            self.permit.session.rollback()
            ledger.append(self.permit, self.dialect.features.registry_prefix, event)
            self.permit.session.commit()
            self.recorded = True

    def cancel(self, driver_connection: Any) -> None:
        """See `Crew`."""
        if self._onlooker:
            self._onlooker.cancel(driver_connection)
        elif self.dialect:
            self.dialect.cancel(driver_connection, None)

    def leave(self) -> None:
        """See `Crew`."""
        self._gate.leave()
