"""What a plan asks its target: how many rows stand in the way, who is at work there, which queries its applications send. Reads only."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from lockgate.dialects.base import BareSession
from lockgate.dialects.connect import questions_named
from lockgate.dialects.parts import ErrorFacts
from lockgate.dialects.questions import Questions
from lockgate.errors import LockgateError, UsageError
from lockgate.events import Notice, Notify
from lockgate.files import read_text
from lockgate.hazards.answers import Answer, Preflight, Query, Workload
from lockgate.hazards.checks import checks, clean
from lockgate.hazards.demands import Demand
from lockgate.hazards.done import done
from lockgate.hazards.effects import Effects
from lockgate.hazards.questions import Check
from lockgate.hazards.rights import needed
from lockgate.hazards.twice import is_proved
from lockgate.hazards.writes import written_tables
from lockgate.runs.gate import opened
from lockgate.runs.target import Target
from lockgate.seeds.statements import parser
from lockgate.settings.project import Project
from lockgate.sql_script import pieces

LARGEST = 1_000_000_000  # bytes of a table that is read from end to end without being asked to
MOST_QUERIES = 500  # tried on the scratch, at about 2 ms each
_PATIENCE_S = 2.0
_TIMEOUT_S = 10.0  # of one question
_TIMEOUT_PROBING_S = 600.0
_ALL_S = 120.0  # for all questions to rows, without being asked for more
_LATE = f"the questions took {_ALL_S / 60:.0f} min already; `--probe-data` asks all of them"
_QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True)
class Probing:
    """
    How far a plan's questions go.

    Args:
        data: large tables are asked, too, and each question may take ten minutes.
        queries: file with queries of the application, instead of those that the target's server has counted; empty for none.
        style: matters of taste are told as well.
    """

    data: bool = False
    queries: str = ""
    style: bool = False

    @property
    def timeout_s(self) -> float:
        """Seconds that the target may work on one question."""
        return _TIMEOUT_PROBING_S if self.data else _TIMEOUT_S


def known_queries(project: Project, target: Target, probing: Probing) -> Workload | None:
    """
    Return the queries that are to be tried on the scratch; None for a product whose queries nobody knows.

    Raises:
        UsageError: `usage`, the file cannot be read, or no query can be tried on this product.
    """
    questions = questions_named(target.url.backend)
    if not questions.knows_queries:
        if probing.queries:
            raise UsageError("usage", "queries can be tried on PostgreSQL only", target.where, "leave out `--queries`")
        return None
    if probing.queries:
        texts = [piece.sql for piece in pieces(read_text(project.folder / probing.queries, "usage"))]
        return Workload(source=probing.queries, queries=tuple(Query(text=text) for text in texts))
    found: list[Workload] = []
    with opened(target) as session:
        trouble = _within(session, target, probing, lambda: found.append(questions.workload(session, MOST_QUERIES)))
    return found[0] if found else Workload(unknown=trouble)


def asked(effects: Effects, target: Target, probing: Probing, notify: Notify) -> Effects:
    """
    Return a traced plan with the target's answers.

    Every question has a transaction of its own, which is READ ONLY and short: an old snapshot would keep the target from cleaning up. What
    cannot be answered is an answer, too.
    """
    questions = questions_named(target.url.backend)
    if not effects.revisions:
        return effects
    with opened(target) as session:
        effects = _with_demands(effects, questions, session, target, probing)
        every = checks(effects, _grammar(effects), tells_reads=questions.tells_reads)
        derived = tuple(check for check in every if not is_proved(effects, check.answer))
        number = sum(check.answer.count < 0 for check in derived)
        if number:
            notify(Notice(f"asking the database {number} question{'s' * (number != 1)} about its rows"))
        asking = _Asking(questions, session, target, probing, effects)
        return msgspec.structs.replace(effects, answers=(*asking.rows(derived), *done(effects)), preflight=asking.preflight())


def _with_demands(effects: Effects, questions: Questions, session: BareSession, target: Target, probing: Probing) -> Effects:
    """Without an answer nothing is derived from them, and the statements stay among what is not seen."""
    tables = written_tables(effects)
    found: list[Demand] = []
    if tables:
        _within(session, target, probing, lambda: found.extend(questions.demands(session, tables)))
    return msgspec.structs.replace(effects, demands=tuple(found))


def _grammar(effects: Effects) -> Any:
    """PostgreSQL's own, which takes a moment to load, where there is something to read."""
    return parser() if effects.demands else None


def turned(effects: Effects, target: Target) -> tuple[Answer, ...]:
    """Ask once more what was clean when it was planned; return what is not any more. Where a question cannot be answered nothing is known."""
    questions = questions_named(target.url.backend)
    again = clean(effects, _grammar(effects))
    if not again:
        return ()
    with opened(target) as session:
        return tuple(answer for answer in _Asking(questions, session, target, Probing(), effects).rows(again) if answer.count > 0)


@dataclass(frozen=True)
class _Asking:
    questions: Questions
    session: BareSession
    target: Target
    probing: Probing
    effects: Effects

    def rows(self, derived: tuple[Check, ...]) -> tuple[Answer, ...]:
        tables = {source.table for check in derived for source in (check.source, check.other) if source}
        names: Mapping[str, str] = {}

        def read_names() -> None:
            nonlocal names
            names = self.questions.names(self.session, tables)

        trouble, begun = self._within(read_names) if tables else "", time.monotonic()

        def row(check: Check) -> Answer:
            late = not self.probing.data and time.monotonic() > begun + _ALL_S
            return self._row(check, names, trouble or (_LATE if late else ""))

        return tuple(map(row, derived))

    def _row(self, check: Check, names: Mapping[str, str], trouble: str) -> Answer:
        if check.answer.count >= 0:
            return check.answer
        unknown = check.answer.unknown or trouble or self._too_large(check)
        if unknown:
            return msgspec.structs.replace(check.answer, unknown=unknown)
        count, failed = -1, ""

        def ask() -> None:
            nonlocal count, failed
            try:
                count = self._number(check, names)
            except Exception as error:
                failed = self._failed(check, error)
                if not failed:
                    raise
                count = 1

        trouble = self._within(ask)
        return msgspec.structs.replace(check.answer, unknown=failed or trouble, count=count)

    def _failed(self, check: Check, error: Exception) -> str:
        """What a row said to the question whether a value can be computed; empty for any other error."""
        facts = self.target.dialect.facts(error) if check.answer.kind == "computed" else None
        return _without_values(facts) if facts and facts.kind == "value" else ""

    def _number(self, check: Check, names: Mapping[str, str]) -> int:
        if check.statement:
            return self.questions.estimated(self.session, check)
        return int(str(self.session.ask(self.questions.sql(self.session, check, names))[0][0]))

    def preflight(self) -> Preflight:
        found: list[Preflight] = []
        trouble = self._within(lambda: found.append(self.questions.preflight(self.session, needed(self.effects))))
        return found[0] if found else Preflight(unknown=trouble)

    def _too_large(self, check: Check) -> str:
        tables = [source.table for source in (check.source, check.other) if source]
        sizes = [size for size in self.effects.sizes if size.path in tables]
        largest = max(sizes, key=lambda size: size.heap_bytes, default=None)
        looked_up = check.statement or check.answer.kind == "taken"  # no table is read for it from end to end
        if self.probing.data or looked_up or largest is None or largest.heap_bytes <= LARGEST:
            return ""
        return f"`{largest.path}` is larger than {LARGEST // 10**9} GB; `--probe-data` asks it as well"

    def _within(self, ask: Callable[[], None]) -> str:
        return _within(self.session, self.target, self.probing, ask)


def _without_values(facts: ErrorFacts) -> str:
    """Return the server's message without the value that it quotes, which is a row's: plans are shown to more people than rows are."""
    return _QUOTED.sub('"…"', facts.message) if facts.kind == "value" else facts.message


def _within(session: BareSession, target: Target, probing: Probing, ask: Callable[[], None]) -> str:
    """Ask in a transaction with its limits set; return why there is no answer, empty where there is one."""
    try:
        target.dialect.bound_waiting(session, _PATIENCE_S)
        target.dialect.limit(session, probing.timeout_s)
        ask()
    except LookupError as error:
        return str(error.args[0])
    except LockgateError:
        raise
    except Exception as error:
        facts = target.dialect.facts(error)
        if facts is None:
            raise
        return f"the database refused: {_without_values(facts)}"
    finally:
        session.rollback()
    return ""
