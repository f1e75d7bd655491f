"""`smoke`: the questions asked after an upgrade, and on demand; reads only."""

from __future__ import annotations

import json
from contextlib import nullcontext

from lockgate.dialects.base import BareSession
from lockgate.errors import Refused
from lockgate.events import Notify
from lockgate.files import graph_of
from lockgate.outcome import Answer, Outcome
from lockgate.registry import ledger
from lockgate.runs.arrival import Arrival
from lockgate.runs.gate import find, opened
from lockgate.runs.target import Target
from lockgate.secret import redact
from lockgate.settings.project import Project, SmokeQuery
from lockgate.words import Request, Sight


def smoke(request: Request, project: Project, notify: Notify) -> Outcome:
    """
    Ask the smoke questions of an environment; writes nothing.

    Returns:
        The answers; `code` is `smoke-failed` where one is wrong.
    Raises:
        Refused: the marker names another environment: answers of another database would say nothing.
    """
    graph = graph_of(project)
    target, seen = find(request, project)
    if seen.identity is not None and seen.identity.environment != request.environment:
        what = f"this database says it is `{seen.identity.environment}`, you asked for `{request.environment}`"
        raise Refused("identity-mismatch", what, target.where, f"point `{request.environment}` at its own database")
    # A history that only Alembic can read (computed ids) does not tell its heads here.
    heads = tuple(sorted(graph.effective_heads)) if graph.complete else seen.heads
    answers = ask(target, project, seen, heads)
    code = "" if all(answer.good for answer in answers) else "smoke-failed"
    return Outcome(request.verb, request.environment, seen.place, seen.heads, seen.heads, smoke=answers, code=code)


def ask(
    target: Target, project: Project, seen: Sight, heads: tuple[str, ...], *, at_head: bool = True, session: BareSession | None = None
) -> tuple[Answer, ...]:
    """
    Ask everything, read-only.

    Args:
        seen: a look at the database after the run.
        heads: what the version table should say.
        at_head: false before a head, where the tables and queries of the settings are not there yet; the revision is asked for alone.
        session: a read-only one that was opened after the run; None opens one.
    """
    wanted, found = ", ".join(heads) or "base", ", ".join(seen.heads) or "base"
    answers = [Answer("revision", wanted, found, seen.heads == heads)]
    answers += _objects(target, project, seen)
    if not at_head:
        return tuple(answers)
    answers += _tables(project, seen)
    if project.smoke.queries:
        with nullcontext(session) if session else opened(target) as asked:
            for query in project.smoke.queries:
                asked.rollback()
                target.dialect.limit(asked, project.smoke.timeout)
                answers.append(_query(asked, target, query))
    return tuple(answers)


def record_answers(arrival: Arrival, answers: tuple[Answer, ...]) -> None:
    """Keep the answers in the ledger."""
    good = all(answer.good for answer in answers)
    details = json.dumps([{"question": a.question, "expected": a.expected, "found": a.found, "good": a.good} for a in answers])
    arrival.record(ledger.Event("smoke", error="" if good else "smoke-failed", details=details))


def _tables(project: Project, seen: Sight) -> list[Answer]:
    there = set(seen.tables) | {f"public.{name}" for name in seen.tables}
    if project.smoke.tables:
        return [Answer(f"table {name}", "there", "there" if name in there else "missing", name in there) for name in project.smoke.tables]
    if seen.kept_tables is None:
        return []
    missing = sorted(set(seen.kept_tables) - there)
    found = f"missing: {', '.join(missing)}" if missing else "all there"
    return [Answer(f"{len(seen.kept_tables)} tables of the last run", "all there", found, not missing)]


def _objects(target: Target, project: Project, seen: Sight) -> list[Answer]:
    """Ask for the objects of the saved snapshot, where it was taken at this very revision."""
    if not project.drift.snapshot:
        return []
    # Not above: most projects save none, and a look should start at once.
    from lockgate.runs.snapshots import objects_missing

    return objects_missing(target, project, seen)


def _query(session: BareSession, target: Target, query: SmokeQuery) -> Answer:
    expected = _expected(query)
    try:
        rows = session.ask(query.sql)
    except Exception as error:
        facts = target.dialect.facts(error)
        if facts is None:
            raise
        return Answer(query.sql, expected, f"error: {facts.message}", False)
    if not rows:
        return Answer(query.sql, expected, "no row", False)
    value = rows[0][0]
    return Answer(query.sql, expected, redact(str(value)), _good(query, value))


def _expected(query: SmokeQuery) -> str:
    bounds = (("at least", query.at_least), ("at most", query.at_most), ("equal to", query.equals))
    return ", ".join(f"{word} {bound:g}" if isinstance(bound, float) else f"{word} {bound}" for word, bound in bounds if bound is not None)


def _good(query: SmokeQuery, value: object) -> bool:
    if query.equals is not None and not _equal(query.equals, value):
        return False
    if query.at_least is None and query.at_most is None:
        return True
    try:
        number = float(str(value))
    except ValueError:
        return False
    return (query.at_least is None or number >= query.at_least) and (query.at_most is None or number <= query.at_most)


def _equal(wanted: str | float | bool, value: object) -> bool:
    if isinstance(wanted, (int, float)) and not isinstance(wanted, bool):
        try:
            return float(str(value)) == wanted
        except ValueError:
            return False
    if isinstance(wanted, bool):
        return value == wanted  # SQLite answers 0 and 1, which compare as equal
    return str(value) == wanted
