"""`upgrade`: the main job."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from lockgate.dialects.base import BareSession
from lockgate.errors import NOTHING, LockgateError
from lockgate.events import Event, Notice, Notify
from lockgate.outcome import Answer, Outcome
from lockgate.runs.arrival import Arrival, arrive, at_target
from lockgate.runs.gate import find
from lockgate.runs.smoke import ask, record_answers
from lockgate.runs.target import Target, environment_of
from lockgate.settings.project import Project
from lockgate.words import Request, Sight

if TYPE_CHECKING:
    from lockgate.runs.approved import Proof

T = TypeVar("T", bound=Outcome)


def upgrade(request: Request, project: Project, notify: Notify) -> Outcome:
    """
    Bring an environment to a revision: gate, lock, revisions, ledger, smoke query.

    Args:
        request: `to` is the target in Alembic's notation; empty means `head`, or where the plan leads.
    Returns:
        What was applied and what the smoke query answered; `code` is `smoke-failed` where an answer was wrong.
    Raises:
        LockgateError: see `docs/errors/`; `changed` says what was committed.
    """
    proof = _proof(request, project)
    arrival = arrive(replace(request, to=request.to or (proof.target if proof else "head")), project, notify, proof)
    if proof:
        notify(Notice(proof.told))
    return climb(arrival, arrival.request.to, notify)


def _proof(request: Request, project: Project) -> Proof | None:
    if not request.plan:
        return None
    from lockgate.runs.approved import proof_of  # few runs have a plan

    return proof_of(request, project, environment_of(project, request.environment))


def climb(arrival: Arrival, to: str, notify: Notify) -> Outcome:
    """Upgrade a database that was looked at and allowed, and ask the smoke questions."""
    outcome = revisions(arrival, to, notify)
    # Where env.py did not run, what was seen a moment ago is what there is.
    seen = arrival.sight if at_target(arrival, to) else None
    return smoked(arrival, outcome, wrote=bool(outcome.steps), seen=seen)


def revisions(arrival: Arrival, to: str, notify: Notify) -> Outcome:
    """Run the pending revisions; the smoke questions are still to be asked."""
    seen = arrival.sight
    if arrival.request.from_schema is None and at_target(arrival, to):
        return Outcome(arrival.request.verb, arrival.request.environment, seen.place, seen.heads, seen.heads)
    # Not above: the cheap look is what most calls end with, and importing Alembic and SQLAlchemy costs more than all of it.
    from lockgate.runs.bootstrap import bootstrapped
    from lockgate.runs.from_schema import loaded
    from lockgate.runs.outcome import outcome_of
    from lockgate.runs.through import through_gate

    notices: list[str] = []

    def told(event: Event) -> None:
        if isinstance(event, Notice):
            notices.append(event.text)
        notify(event)

    between = bootstrapped(arrival, told) if arrival.request.from_schema is None else loaded(arrival, to, told)
    passage = through_gate(arrival, "upgrade", to, told, between)
    return outcome_of(arrival, passage, tuple(notices))


def smoked(arrival: Arrival, outcome: T, *, wrote: bool, seen: Sight | None = None) -> T:
    """
    Ask the smoke questions; the answers go into the ledger where the run `wrote` something.

    Args:
        seen: what is asked about, where that is as fresh as a look of now; None looks anew.
    Raises:
        LockgateError: the database cannot be asked; `changed` says what the run has done all the same.
    """
    try:
        return _asked(arrival, outcome, wrote, seen)
    except LockgateError as error:
        if outcome.steps and error.changed == NOTHING:
            error.changed = "applied " + ", ".join(f"`{done.step.revision}`" for done in outcome.steps)
        raise


def _asked(arrival: Arrival, outcome: T, wrote: bool, seen: Sight | None) -> T:
    graph = arrival.graph
    # A history that only Alembic can read (computed ids) does not tell its heads here.
    at_head = not graph.complete or bool(set(graph.heads).intersection(outcome.to_heads))
    answers: tuple[Answer, ...] = ()

    def asked(session: BareSession | None, target: Target, seen: Sight) -> None:
        nonlocal answers
        answers = ask(target, arrival.project, seen, outcome.to_heads, at_head=at_head, session=session)

    if seen is None:
        _, seen = find(arrival.request, arrival.project, asked)
    else:
        asked(None, arrival.target, seen)
    good = all(answer.good for answer in answers)
    if wrote:
        record_answers(replace(arrival, sight=seen), answers)
    return replace(outcome, smoke=answers, code="" if good else "smoke-failed")
