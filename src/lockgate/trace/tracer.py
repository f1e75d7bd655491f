"""
Runs beside revisions and keeps what each of their statements does.

The innermost place is taken: SQLAlchemy's dialect, where a statement goes to the driver. What stands around it (a transaction that is
begun for a statement, a retry) is then inside the picture as it is in a real run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import event
from sqlalchemy.engine import Engine

from lockgate.dialects.alchemy import OURS
from lockgate.dialects.tracing import Probe, Tracing
from lockgate.events import Applied, Event, Started
from lockgate.hazards.command import command_of, is_concurrent, is_control, is_own_commit, reads_or_writes_rows
from lockgate.hazards.effects import Effect, RevisionEffects
from lockgate.hazards.picture import Origin, Picture
from lockgate.hazards.reading import Reading, read_log
from lockgate.hazards.seen import Fault
from lockgate.secret import DatabaseUrl, redact
from lockgate.trace.coverage import Coverage
from lockgate.trace.sent import Sent
from lockgate.words import Step

_HOOKS = ("do_execute", "do_executemany", "do_execute_no_params")
_LONGEST = 10_000  # characters of a statement's text
# Who sends statements for others: what they give to a driver's cursor was not given to it by the revision.
_SENDERS = ("sqlalchemy", "alembic")


class Tracer:
    """
    One trace.

    Args:
        url: of the scratch database, for sessions beside the working one.
        shorten: turns the path of a revision file into the one that people know.
        only: revisions to trace; the others are run and not looked at. Empty for all.
        apart: what a revision finds is somebody's, also what the one before it has made.
        may_fail: whether a comment allows that the statement on a line of a file fails; a revision then goes on behind it.
    """

    def __init__(
        self,
        tracing: Tracing,
        url: DatabaseUrl,
        shorten: Callable[[str], str],
        only: frozenset[str] = frozenset(),
        *,
        apart: bool = False,
        may_fail: Callable[[str, int], bool] = lambda file, line: False,
    ) -> None:
        self._tracing = tracing
        self._only = only
        self._apart = apart
        self._may_fail = may_fail
        self._url = url
        self._shorten = shorten
        self._done: list[RevisionEffects] = []
        self._step: Step | None = None
        self._effects: list[Effect] = []
        self._coverage: Coverage | None = None
        self._origin: Origin | None = None
        self._transactions: dict[str, int] = {}
        self._notices: list[str] = []
        self._wrapped: list[Any] = []
        self._sending = False  # a statement is under way, and whatever a cursor is given now is part of it
        # The catalog after the last statement of the open transaction, by the transaction's name.
        self._known: dict[str, Picture] = {}
        self._held: dict[str, frozenset[tuple[int, str, bool]]] = {}  # its locks at that time

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of every engine of this process while the block runs."""

        def wrap(connection: Any) -> None:
            self._wrap(connection.dialect)

        def hear(connection: Any, record: Any) -> None:
            self._tracing.hear_notices(connection, self._notices.append)
            self._tracing.watch_cursors(connection, self._by_driver)

        hooks: dict[str, Callable[..., Any]] = {"engine_connect": wrap, "connect": hear}
        for name, hook in hooks.items():
            event.listen(Engine, name, hook)
        try:
            yield
        finally:
            for name, hook in hooks.items():
                event.remove(Engine, name, hook)
            for dialect in self._wrapped:
                for name in _HOOKS:
                    delattr(dialect, name)
            self._wrapped.clear()

    def hear(self, happened: Event) -> None:
        """Be told by the run where one revision begins and ends."""
        if isinstance(happened, Started):
            skipped = bool(self._only) and happened.step.revision not in self._only
            if skipped or self._apart:
                self._origin = None
            self._known.clear()
            self._held.clear()
            if skipped:
                return
            self._step, self._effects = happened.step, []
            self._coverage = Coverage(happened.step.file, happened.step.direction)
            self._coverage.start()
        elif isinstance(happened, Applied):
            self._close()

    def broken(self, fault: Fault) -> bool:
        """A run broke off; return whether a revision was under way, which then carries the fault."""
        if self._step is None:
            return False
        self._close(fault)
        return True

    @property
    def step(self) -> Step | None:
        """The revision under way."""
        return self._step

    @property
    def origin(self) -> Origin | None:
        """What was there before the first statement; None where there was no statement."""
        return self._origin

    def revisions(self) -> tuple[RevisionEffects, ...]:
        """What was traced so far."""
        return tuple(self._done)

    def _close(self, fault: Fault | None = None) -> None:
        step, coverage = self._step, self._coverage
        if step is None or coverage is None:
            return
        coverage.stop()
        self._done.append(
            RevisionEffects(
                id=step.revision,
                file=self._shorten(step.file),
                direction=step.direction,
                message=step.message,
                effects=tuple(self._effects) if fault else tuple(map(_survived, self._effects)),
                # Behind a fault nothing runs, and that says nothing about the revision.
                not_run=() if fault else coverage.not_run(),
                fault=fault,
            )
        )
        self._step = self._coverage = None

    def _wrap(self, dialect: Any) -> None:
        if dialect.driver not in self._tracing.drivers() or dialect in self._wrapped:
            return
        self._wrapped.append(dialect)
        for name in _HOOKS:
            setattr(dialect, name, partial(self._execute, getattr(dialect, name)))

    def _execute(self, original: Callable[..., Any], cursor: Any, sql: str, *rest: Any, **named: Any) -> Any:
        context = named.get("context") or (rest[-1] if rest else None)
        ours = context is None or OURS.items() <= context.execution_options.items()
        line = self._line()

        def run(text: str) -> Any:
            return original(cursor, self._tracing.reworded(text), *rest, **named)

        with self._seen(self._sent(sql, cursor, context) if line and not ours else None, sql, line) as probe:
            return probe.run(run, sql) if probe else run(sql)

    @contextmanager
    def _by_driver(self, cursor: Any, sql: str) -> Iterator[None]:
        """See `Tracing.watch_cursors`; SQLAlchemy's statements and our own looks arrive here as well."""
        line = 0 if self._sending else self._line(alone=True)
        if not line:
            yield
            return
        with self._seen(Sent(sql, cursor, cursor.connection, cursor.connection.autocommit), sql, line):
            yield

    @contextmanager
    def _seen(self, sent: Sent | None, sql: str, line: int) -> Iterator[Probe | None]:
        """Give what looks at a statement while the block sends it; None for one of which nothing is told, or only that it was there."""
        before, self._sending = self._sending, True
        try:
            self._tracing.check(sql)
            control = is_control(command_of(sql))
            if line and control:
                self._known.clear()  # a savepoint may be rolled back
            if sent and control and is_own_commit(command_of(sql), sql):
                self._effects.append(Effect(**self._facts(sent, line, max(len(self._transactions), 1))))
            if sent is None or control:
                yield None
                return
            with self._traced(sent, line) as probe:
                yield probe
        finally:
            self._sending = before

    def _line(self, *, alone: bool = False) -> int:
        """
        The line of the revision's file that the running statement comes from; 0 for a statement of somebody else's.

        Args:
            alone: it must not have gone through SQLAlchemy or Alembic.
        """
        frame = sys._getframe() if self._step else None
        while frame is not None and self._step:
            if frame.f_code.co_filename == self._step.file:
                return frame.f_lineno
            if alone and str(frame.f_globals.get("__name__", "")).partition(".")[0] in _SENDERS:
                return 0
            frame = frame.f_back
        return 0

    @contextmanager
    def _traced(self, sent: Sent, line: int) -> Iterator[Probe]:
        command = command_of(sent.sql)
        probe = self._tracing.probe(sent.connection)
        session, bare, transaction = probe.begin(reads_or_writes_rows(command))
        before = probe.moment(self._known.pop(transaction, None))
        self._origin = self._origin or Origin(before.picture)
        facts = self._facts(sent, line, self._transactions.setdefault(transaction, len(self._transactions) + 1))
        facts["autocommit"] = bare or facts["autocommit"]
        spared = self._step is not None and self._may_fail(self._step.file, line)
        self._notices.clear()
        began = time.monotonic()
        with self._tracing.pins(self._url, session, before.picture) if bare else nullcontext(frozenset) as seen:
            try:
                with probe.spared() if spared else nullcontext():
                    yield probe
            except Exception as error:
                fault = _fault(error, self._tracing.state(error), line)
                self._effects.append(Effect(**facts, fault=fault, spared=spared, notices=tuple(self._notices)))
                if not spared:
                    raise
                probe.end()
                return
            facts["ms"] = round((time.monotonic() - began) * 1000)
            watched = seen()
        log = read_log(probe.end())
        after = probe.moment()
        held = self._held.pop(transaction, frozenset())
        if not bare:
            self._known[transaction], self._held[transaction] = after.picture, after.locks
        reading = Reading(self._origin, before, after, log, command, bare, watched, held)
        self._effects.append(self._effect(reading, facts, sent.cursor))

    def _sent(self, sql: str, cursor: Any, context: Any) -> Sent:
        # SQLAlchemy writes each percent sign of what it compiles twice, for drivers whose parameters begin with one.
        doubled = context.compiled is not None and context.dialect.paramstyle in ("format", "pyformat")
        connection = context.root_connection
        autocommit = connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
        return Sent(sql, cursor, connection.connection.dbapi_connection, autocommit, doubled)

    def _facts(self, sent: Sent, line: int, transaction: int) -> dict[str, Any]:
        return {
            "number": len(self._effects) + 1,
            "line": line,
            "text": redact(sent.sql.replace("%%", "%") if sent.doubled else sent.sql)[:_LONGEST],
            "command": command_of(sent.sql),
            "transaction": transaction,
            "autocommit": sent.autocommit,
            "concurrently": is_concurrent(sent.sql),
        }

    def _effect(self, reading: Reading, facts: dict[str, Any], cursor: Any) -> Effect:
        return Effect(
            **facts,
            locks=reading.locks(),
            released=reading.released(),
            rewrites=reading.rewrites(),
            scans=reading.scans(),
            builds=reading.builds(facts["concurrently"]),
            changes=reading.origin.changes(reading.before.picture, reading.after.picture),
            drops=reading.drops(),
            written=reading.written(),
            rowcount=getattr(cursor, "rowcount", -1),
            notices=tuple(self._notices),
        )


def _survived(effect: Effect) -> Effect:
    return msgspec.structs.replace(effect, caught=True) if effect.fault and not effect.spared else effect


def _fault(error: Exception, state: str, line: int) -> Fault:
    first, _, rest = redact(str(error)).strip().partition("\n")
    in_the_way = rest.partition("DETAIL:")[2].partition("HINT:")[0].split() if state in ("0A000", "2BP01") else ()  # by name
    return Fault(message=(first or type(error).__name__) + (f": {' '.join(in_the_way)}" if in_the_way else ""), state=state, line=line)
