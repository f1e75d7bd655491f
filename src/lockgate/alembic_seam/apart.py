"""
The statements of a revision that leaves its transaction (`autocommit_block`), on databases whose DDL can be rolled back.

What may run in a transaction gets one of its own there, with its row in the journal, so that it happens exactly once. What may not,
above all CREATE INDEX CONCURRENTLY, is written down as begun and as done, and looked for in the catalog in between.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, event

from lockgate.alembic_seam.crew import Scribe
from lockgate.alembic_seam.journaled import Execute, Watch
from lockgate.alembic_seam.replayed import answer_of, replay
from lockgate.dialects.alchemy import OURS
from lockgate.dialects.base import Dialect
from lockgate.dialects.parts import Builds, Standing
from lockgate.errors import Busy, Failed
from lockgate.journal.answer import Answer, from_text
from lockgate.journal.apart import Build, build_of, fingerprint, read
from lockgate.journal.entry import Entry, Move, move_for, shortened
from lockgate.journal.statement import Kind, Statement
from lockgate.secret import redact
from lockgate.words import Step

_SAY_AGAIN = 5.0  # seconds between two messages about somebody else's build


class Apart(Watch):
    """Stands between SQLAlchemy and the driver while one revision runs, in its transactions and outside of them."""

    def __init__(self, connection: Connection, dialect: Dialect, crew: Scribe, step: Step, place: str) -> None:
        super().__init__(connection, dialect, crew, step, place)
        self._savepoints: dict[str, int] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of savepoints as well: what is rolled back to one has not happened."""
        ends: dict[str, Any] = {"savepoint": self._saved, "rollback_savepoint": self._back}
        for name, hear in ends.items():
            event.listen(self._connection, name, hear)
        try:
            with super().listening():
                yield
        finally:
            for name, hear in ends.items():
                event.remove(self._connection, name, hear)

    @property
    def _outside(self) -> bool:
        return self._connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"

    def _intercept(self, cursor: Any, sql: str, parameters: Any, context: Any, execute: Execute) -> bool | None:
        if context.root_connection is not self._connection or OURS.items() <= context.execution_options.items():
            return None
        found = read(sql)
        if found.kind in (Kind.SESSION, Kind.CONTROL):
            return None
        self._number += 1
        entry = Entry(self._number, fingerprint(sql, parameters), found.kind, False, shortened(redact(sql)))
        earlier = self._earlier.get(entry.number)
        move = move_for(earlier, entry.digest)
        if earlier is not None and move is Move.REFUSE:
            self._refuse_changed(earlier, entry)
            earlier = None
        if earlier is not None and move is Move.SKIP:
            self._skip(earlier, context)
        elif found.kind in (Kind.READ, Kind.WRITE) or not self._outside:
            self._inside(entry, context, cursor, execute)
        else:
            self._alone(found, entry, build_of(sql), context, execute)
        return True

    def _skip(self, earlier: Entry, context: Any) -> None:
        self._crew.statement_done(self._step, earlier, skipped=True)
        replay(context, from_text(earlier.answer) if earlier.answer else Answer())

    def _inside(self, entry: Entry, context: Any, cursor: Any, execute: Execute) -> None:
        """Run what may run in a transaction: in the revision's own, or outside of it in one for this statement."""
        if self._outside and not getattr(context, "_is_server_side", False):
            self._in_a_transaction(entry, context, cursor, execute)
            return
        execute()
        self._note(entry, context, cursor)

    def _in_a_transaction(self, entry: Entry, context: Any, cursor: Any, execute: Execute) -> None:
        give_up = time.monotonic() + self._crew.limits.lock_wait
        before = list(self._pending)
        for attempt, delay in enumerate(self._dialect.retry_delays(), 1):
            try:
                self._session.execute(self._dialect.features.begin)
                self._dialect.bound_waiting(self._session, self._crew.limits.lock_timeout or 1.0)
                execute()
                wrote = entry.kind is Kind.WRITE or self._dialect.has_written(self._session)
                self._note(replace(entry, kind=Kind.WRITE) if wrote else entry, context, cursor)
                if wrote:
                    self._flush()
                self._session.execute("commit")
                return
            except BaseException as error:
                self._pending[:] = before
                with suppress(Exception):
                    self._session.execute("rollback")
                reason = self._passing(error, give_up)
            pause = delay * random.uniform(0.5, 1.5)
            self._crew.retrying(self._step, attempt, pause, reason)
            time.sleep(pause)

    def _passing(self, error: BaseException, give_up: float) -> str:
        """Return the reason to run the statement again; raise the error where there is none."""
        facts = self._dialect.facts(getattr(error, "orig", None) or error)
        if facts is None or facts.kind not in ("lock-timeout", "deadlock"):
            raise error
        if time.monotonic() > give_up:
            what = f"revision `{self._step.revision}` could not get a table's lock within {self._crew.limits.lock_wait:g} s"
            hint = "find the long transaction, or raise `lock_wait`; then run the command again: it goes on at this statement"
            raise Busy("lock-timeout", what, self._where, hint) from error
        return facts.message

    def _note(self, entry: Entry, context: Any, cursor: Any) -> None:
        answer = Answer(None, (), cursor.rowcount, getattr(cursor, "lastrowid", None))
        if cursor.description is not None:
            kept = answer_of(context, cursor)
            if kept is None and entry.kind is Kind.READ:
                return
            answer = kept or answer
        self._pending.append((entry, answer))

    def _alone(self, found: Statement, entry: Entry, build: Build | None, context: Any, execute: Execute) -> None:
        """Run what may not run in a transaction: begun, done, and in between only the catalog knows."""
        earlier = self._earlier.get(entry.number)
        builds = self._dialect.builds(self._session)
        done = self._find(builds, build, earlier) if build and builds else earlier is not None and self._happened(found, earlier)
        if earlier is None:
            before = builds.on_table(build) if build and builds else self._definitions(found)
            self._write_down(Entry(entry.number, entry.digest, entry.kind, False, entry.text, before))
        if done:
            self._skip(entry, context)
        else:
            self._execute_alone(entry, execute)
        if build and builds:
            self._prove(builds, build)
        self._flush()
        self._journal.finish(entry.number)
        if not done:
            self._crew.statement_done(self._step, entry, skipped=False)

    def _write_down(self, entry: Entry) -> None:
        self._session.execute(self._dialect.features.begin)
        self._flush()
        self._journal.write([entry])
        self._session.execute("commit")

    def _execute_alone(self, entry: Entry, execute: Execute) -> None:
        try:
            execute()
        except Exception:
            self._take_back(entry)
            raise

    def _find(self, builds: Builds, build: Build, earlier: Entry | None) -> bool:
        """
        Look for the index that a statement is about to build: wait for whoever builds it, drop an INVALID one.

        Returns:
            Whether a run before this one built it: it began to, the index came after that, and it is defined as the statement says.
        """
        self._wait_for(builds, build)
        for standing in builds.standing(build):
            ours = earlier is not None and standing.id not in earlier.before
            if standing.valid:
                if ours and builds.same(standing, build) is not False:
                    self._crew.note(f"index {standing.name}: finished by the server after an earlier run of `{self._step.revision}` broke off")
                    return True
            elif ours or build.name:
                builds.drop(standing)
                self._crew.dropped_index(standing.name)
                self._crew.note(f"dropped index {standing.name}: INVALID, and revision `{self._step.revision}` makes it")
        return False

    def _wait_for(self, builds: Builds, build: Build) -> None:
        began = said = time.monotonic()
        while who := builds.under_way(build):
            waited = time.monotonic() - began
            if waited > self._crew.limits.lock_wait:
                what = f"another session is still building index `{build.name or build.table}` after {waited:.0f} s: {who}"
                raise Busy("busy", what, self._where, "wait for it, then run the command again: it takes the index as it is then")
            if said == began or time.monotonic() - said >= _SAY_AGAIN:
                said = time.monotonic()
                self._crew.note(f"waiting for a build of index `{build.name or build.table}` that is under way: {who}")
            time.sleep(min(0.1 + waited / 20, 1.0))

    def _prove(self, builds: Builds, build: Build) -> None:
        broken: list[Standing] = [standing for standing in builds.standing(build) if build.name and not standing.valid]
        if broken:
            hint = "look why it broke, then run the command again: it is dropped and built anew"
            raise Failed("invalid-index", f"index {broken[0].name} is INVALID: its CONCURRENTLY build did not end well", self._where, hint)

    def _refuse_changed(self, earlier: Entry, now: Entry) -> None:
        """A build that was begun may be another one now: what it left is INVALID, and is dropped."""
        if earlier.done or build_of(earlier.text) is None:
            raise self._changed(earlier, now)
        self._journal.strike(earlier.number)
        self._earlier = {number: entry for number, entry in self._earlier.items() if number != earlier.number}

    def _saved(self, connection: Connection, name: str) -> None:
        self._savepoints[name] = len(self._pending)

    def _back(self, connection: Connection, name: str, context: None) -> None:
        del self._pending[self._savepoints.get(name, 0) :]
