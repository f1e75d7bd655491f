"""
The statements of one revision, each written down as begun and done, and skipped where an earlier run has done it.

For databases whose DDL commits by itself. A row of the journal is written into the transaction that it is about: just before that
transaction is committed, by whom ever, so that a revision that only writes rows costs nothing, and rows are written exactly once.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from lockgate.alembic_seam.crew import Scribe, StatementJournal
from lockgate.alembic_seam.replayed import answer_of, refusal_of, replay
from lockgate.dialects.alchemy import OURS, AlchemySession
from lockgate.dialects.base import Dialect
from lockgate.errors import Busy, Failed
from lockgate.journal.answer import Answer, from_text, to_text
from lockgate.journal.entry import Entry, Move, digest_of, happened, left_over, move_for, shortened
from lockgate.journal.statement import Kind, Statement, read, temporary_table, written_table
from lockgate.secret import redact
from lockgate.words import Step

_EVENTS = ("do_execute", "do_executemany", "do_execute_no_params")
_PASSING = ("deadlock", "lock-timeout", "unreachable")  # says nothing of the statement
Execute = Callable[[], None]


@contextmanager
def journaled(watch: Watch) -> Iterator[None]:
    """
    Journal every statement that the block runs on the connection of `watch` through SQLAlchemy.

    Raises:
        Failed: `statement-changed`, `statement-unclear`.
        Busy: `lock-timeout`.
    """
    with watch.listening():
        yield
    watch.refuse_left_over()


class Watch:
    """Stands between SQLAlchemy and the driver while one revision runs."""

    def __init__(self, connection: Connection, dialect: Dialect, crew: Scribe, step: Step, place: str) -> None:
        self._connection = connection
        self._session = AlchemySession(connection)
        self._dialect = dialect
        self._crew = crew
        self._step = step
        self._where = f"{step.direction} of `{step.revision}`, {place}"
        self._journal: StatementJournal = crew.journal(step)
        self._earlier: Mapping[int, Entry] = self._journal.entries()
        self._number = 0
        self._pending: list[tuple[Entry, Answer]] = []
        self._temporary: set[str] = set()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of statements, commits and rollbacks while the block runs."""
        engine, ends = self._connection.engine, {"commit": self._committing, "rollback": self._rolled_back}
        hooks: dict[str, Any] = {
            "do_execute": lambda c, s, p, x: self._intercept(c, s, p, x, lambda: x.dialect.do_execute(c, s, p, x)),
            "do_executemany": lambda c, s, p, x: self._intercept(c, s, p, x, lambda: x.dialect.do_executemany(c, s, p, x)),
            "do_execute_no_params": lambda c, s, x: self._intercept(c, s, (), x, lambda: x.dialect.do_execute_no_params(c, s, x)),
        }
        for name in _EVENTS:
            event.listen(engine, name, hooks[name])
        for name, hear in ends.items():
            event.listen(self._connection, name, hear)
        try:
            yield
        finally:
            for name in _EVENTS:
                event.remove(engine, name, hooks[name])
            for name, hear in ends.items():
                event.remove(self._connection, name, hear)

    def refuse_left_over(self) -> None:
        """Refuse a revision that ended before it came to what an earlier run of it did."""
        extra = left_over(self._earlier, self._number)
        if extra is not None:
            raise self._changed(extra)

    def _intercept(self, cursor: Any, sql: str, parameters: Any, context: Any, execute: Execute) -> bool | None:
        if context.root_connection is not self._connection or OURS.items() <= context.execution_options.items():
            return None
        found = read(sql)
        if name := temporary_table(sql):
            self._temporary.add(name)
        if found.kind is Kind.WRITE and self._temporary and written_table(sql) in self._temporary:
            found = Statement(Kind.SESSION)
        if found.kind not in (Kind.READ, Kind.WRITE):
            self._flush()
        if found.kind in (Kind.SESSION, Kind.CONTROL):
            return None
        self._number += 1
        entry = Entry(self._number, digest_of(sql, parameters), found.kind, False, shortened(redact(sql)))
        self._take(found, entry, context, cursor, execute)
        return True

    def _take(self, found: Statement, entry: Entry, context: Any, cursor: Any, execute: Execute) -> None:
        earlier = self._earlier.get(entry.number)
        move = move_for(earlier, entry.digest)
        if earlier is not None and move is Move.EXAMINE:
            move = Move.SKIP if self._happened(found, earlier) else Move.RUN
            if move is Move.SKIP:
                self._journal.finish(entry.number)
                self._session.execute("commit")
        if earlier is not None and move is Move.REFUSE:
            self._refuse_changed(earlier, entry)
        if earlier is not None and move is Move.SKIP:
            self._crew.statement_done(self._step, earlier, skipped=True)
            replay(context, from_text(earlier.answer))
        else:
            try:
                self._run(found, entry, context, cursor, execute)
            except Exception as error:
                self._remember_refusal(entry, context, error)
                raise

    def _run(self, found: Statement, entry: Entry, context: Any, cursor: Any, execute: Execute) -> None:
        if found.kind is Kind.READ:
            self._patiently(found, execute)
            answer = answer_of(context, cursor)
            if answer is not None:
                self._pending.append((entry, answer))
        elif found.kind is Kind.WRITE:
            self._write(found, entry, context, cursor, execute)
        else:
            self._commit_with(found, entry, execute)

    def _remember_refusal(self, entry: Entry, context: Any, error: Exception) -> None:
        """
        Keep a refusal for the case that the revision goes on: asked again after later statements, the server might say yes.

        SQLAlchemy's own `has_table` is such a question. A revision that breaks off here is asked again.
        """
        facts, answer = self._dialect.facts(error), refusal_of(context, error)
        if answer is not None and facts is not None and facts.kind not in _PASSING:
            self._pending.append((entry, answer))

    def _happened(self, found: Statement, earlier: Entry) -> bool:
        """Look whether a statement that was begun did happen; the lock is ours, so nobody is still running it."""
        verdict = happened(found, earlier.before, self._definitions(found))
        if verdict is not None:
            return verdict
        what = f"an earlier run began statement {earlier.number} of revision `{self._step.revision}`, and nobody can tell whether it happened"
        hint = f"look at the database. If it happened: {self._journal.remedy(earlier.number, True)}; if not: {self._journal.remedy(earlier.number, False)}; then run the command again"
        raise Failed("statement-unclear", what, f"{self._where}\n  statement: {earlier.text}", hint)

    def _write(self, found: Statement, entry: Entry, context: Any, cursor: Any, execute: Execute) -> None:
        """Rows: their transaction, or one of their own where each statement would commit itself, holds the journal's row as well."""
        alone = self._connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
        if alone:
            self._session.execute("start transaction")
        try:
            self._patiently(found, execute)
        except BaseException:
            if alone:
                self._session.execute("rollback")
            raise
        self._pending.append((entry, Answer(None, (), cursor.rowcount, getattr(cursor, "lastrowid", None))))
        if cursor.description is not None:  # INSERT … RETURNING
            kept = answer_of(context, cursor)
            self._pending[-1] = (entry, kept or self._pending[-1][1])
        if alone:
            self._flush()
            self._session.execute("commit")

    def _commit_with(self, found: Statement, entry: Entry, execute: Execute) -> None:
        """DDL: the server commits what is open before it begins, and the row that says "begun" with it."""
        before = self._definitions(found)
        entry = Entry(entry.number, entry.digest, entry.kind, False, entry.text, before)
        self._journal.write([entry])
        try:
            self._patiently(found, execute)
        except Exception:
            self._take_back(entry)
            raise
        self._journal.finish(entry.number)
        self._session.execute("commit")
        self._crew.statement_done(self._step, entry, skipped=False)

    def _take_back(self, entry: Entry) -> None:
        """The server said no, so it did not happen; where it said nothing, because the connection is gone, the row stays."""
        if self._connection.invalidated or self._connection.closed:
            return
        try:
            self._journal.strike(entry.number)
            self._session.execute("commit")
        except Exception:  # the connection is gone, and the first error is the one to show
            return

    def _patiently(self, found: Statement, execute: Execute) -> None:
        """Run the statement; after a lock timeout, which undid this statement alone, run it again."""
        give_up = time.monotonic() + self._crew.limits.lock_wait
        for attempt, delay in enumerate(self._dialect.retry_delays(), 1):
            try:
                execute()
                return
            except Exception as error:
                reason = self._may_wait(error, found, give_up)
            pause = delay * random.uniform(0.5, 1.5)
            self._crew.retrying(self._step, attempt, pause, reason)
            time.sleep(pause)

    def _may_wait(self, error: Exception, found: Statement, give_up: float) -> str:
        facts = self._dialect.facts(error)
        if facts is not None and facts.kind == "deadlock":
            self._pending.clear()  # the server has rolled the whole transaction back
        if facts is None or facts.kind != "lock-timeout":
            raise error
        if found.kind is Kind.WRITE and not self._keeps_transaction():
            raise error
        if time.monotonic() > give_up:
            what = f"revision `{self._step.revision}` could not get a table's lock within {self._crew.limits.lock_wait:g} s"
            hint = "find the long transaction (information_schema.innodb_trx) or raise `lock_wait`; then run the command again"
            raise Busy("lock-timeout", what, self._where, hint) from error
        return facts.message

    def _keeps_transaction(self) -> bool:
        return self._dialect.keeps_transaction(self._session)

    def _definitions(self, found: Statement) -> tuple[str, ...]:
        return tuple(self._dialect.definition(self._session, thing) for thing in found.things)

    def _flush(self) -> None:
        """Write the rows of the open transaction into it."""
        if not self._pending:
            return
        entries = [
            Entry(entry.number, entry.digest, entry.kind, True, entry.text, (), to_text(answer)) for entry, answer in self._pending
        ]
        self._pending.clear()
        self._journal.write(entries)
        for entry in entries:
            self._crew.statement_done(self._step, entry, skipped=False)

    def _committing(self, connection: Connection) -> None:
        self._flush()

    def _rolled_back(self, connection: Connection) -> None:
        self._pending.clear()

    def _refuse_changed(self, earlier: Entry, now: Entry) -> None:
        """One that was begun and, by the catalog, did not happen may be another one now."""
        then = read(earlier.text)
        if earlier.done or happened(then, earlier.before, self._definitions(then)) is not False:
            raise self._changed(earlier, now)

    def _changed(self, earlier: Entry, now: Entry | None = None) -> Failed:
        found = f"`{now.text}` now" if now else "nothing any more"
        what = (
            f"revision `{self._step.revision}` is half applied, and its statement {earlier.number} is not the one that an earlier run has run"
        )
        where = f"{self._where}\n  then: {earlier.text}\n  now: {found}"
        hint = (
            "put the revision back as it was (random values and times make other statements each time), or finish it by hand and say so:"
            f" lockgate stamp ENV {self._step.revision}"
        )
        return Failed("statement-changed", what, where, hint)

