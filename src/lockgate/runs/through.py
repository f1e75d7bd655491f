"""The passage of a verb through env.py: dry pass where it is due, real pass, another try after a deadlock, errors in our words."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from lockgate.alembic_seam.config import AlembicConfig, alembic_config
from lockgate.alembic_seam.crew import Limits
from lockgate.alembic_seam.errors import translate
from lockgate.alembic_seam.handed import handed_connection
from lockgate.alembic_seam.run import Errand, Surveyed, errand, run, survey
from lockgate.alembic_seam.scripts import script_directory
from lockgate.alembic_seam.world import compiled_anew, project_world
from lockgate.errors import NOTHING, Failed, LockgateError, Refused, UsageError
from lockgate.events import Notice, Notify
from lockgate.files import keep_trees, recall_trees, revision_text
from lockgate.garbage import keep_what_is_there
from lockgate.graph import check_syntax
from lockgate.graph.env_file import configures_once
from lockgate.interruption import behind, reason, take_swallowed
from lockgate.registry import ledger
from lockgate.runs.arrival import Arrival
from lockgate.runs.checkout import untracked
from lockgate.runs.gate import one_run_per_process
from lockgate.runs.onlooker import Onlooker
from lockgate.runs.passage import Passage
from lockgate.settings.project import Environment

_NAMED = 5  # files
_TRIES = 5  # deadlocks with a running application are rare and random; five in a row are neither

BetweenPasses = Callable[[Errand, Surveyed], str]
ErrandOf = Callable[[AlembicConfig], Errand]
Then = Callable[[Errand, Passage], object]
PassageOf = Callable[..., Passage]  # with Passage's own parameters


def through_gate(arrival: Arrival, direction: str, target: str, notify: Notify, between: BetweenPasses | None = None) -> Passage:
    """
    Run env.py behind the gate until the target is reached.

    Args:
        direction: `upgrade`, `downgrade` or `stamp`.
        target: in Alembic's notation.
        between: called after the dry pass, before the real one; returns what it committed, empty for nothing. Without one, and
            without a plan, an env.py that is seen to work on one database is run once.
    Raises:
        LockgateError: `changed` says what was committed; the ledger has it too.
    """

    stray = untracked(arrival.project.folder, (revision.file for revision in arrival.graph.revisions.values()), arrival.request.environ)
    if stray:
        more = f" and {len(stray) - _NAMED} more" if len(stray) > _NAMED else ""
        notify(Notice(f"git does not know {', '.join(stray[:_NAMED])}{more}: only this machine has what is run"))

    def pass_through(task: Errand, passage: Passage) -> None:
        proof = arrival.gate.proof
        if task.plain and between is None and proof is None:
            _patiently(task, passage, first=True)
            return
        surveyed = survey(task, passage)
        if proof:  # Alembic has not made its version table yet
            proof.check_steps(surveyed.steps, arrival.target.where)
        if between:
            passage.base = between(task, surveyed)
        _patiently(task, passage)

    return _in_project(arrival, direction, target, notify, pass_through)


def rehearse(arrival: Arrival, direction: str, target: str, notify: Notify) -> None:
    """
    Run env.py dry alone: judge what it brings and whether it finds a way to the target, before something else is done.

    Raises:
        LockgateError: nothing changed.
    """
    _in_project(arrival, direction, target, notify, survey)


def dry_run(arrival: Arrival, notify: Notify, errand_of: ErrandOf, passage_of: PassageOf) -> None:
    """
    Run env.py dry for an errand that only reads.

    Args:
        errand_of: makes the errand from the project's configuration.
        passage_of: judges what env.py brings.
    Raises:
        LockgateError: nothing changed, and nothing is written down.
    """
    _within(arrival, notify, errand_of, survey, passage_of)


def _in_project(arrival: Arrival, direction: str, target: str, notify: Notify, then: Then) -> Passage:
    graph = arrival.graph

    def errand_of(config: AlembicConfig) -> Errand:
        script = script_directory(config, graph, arrival.project.folder)
        task = errand(script, config, direction, target, replaced=arrival.request.from_schema is not None)
        known = direction == "upgrade" and target in ("head", "heads") and graph.complete
        return replace(task, plain=known and _seen_to_work_on_one(script.env_py_location))

    # Where the way leads over revisions that are applied, a mistake in any of them counts.
    ids = tuple(graph.pending(arrival.sight.heads) if direction == "upgrade" and graph.complete else graph.revisions)
    compiled = recall_trees(graph)
    check_syntax(graph, (id_ for id_ in ids if graph.revisions[id_].digest not in compiled))
    passage = _within(arrival, notify, errand_of, then, Passage)
    keep_trees(graph, ids)
    return passage


def _within(arrival: Arrival, notify: Notify, errand_of: ErrandOf, then: Then, passage_of: PassageOf) -> Passage:
    project, environment = arrival.project, arrival.target.environment
    url, variables = arrival.target.dialect.project_url(arrival.target.url, environment.connect_timeout)
    exported = {name: url.render().reveal() for name in environment.export}
    onlooker, bootstrapped = Onlooker(arrival.target, notify), project.bootstrap is not None
    passage = passage_of(arrival.gate, notify, _limits(environment), project.folder, bootstrapped, arrival.created, onlooker)
    with closing(onlooker), ExitStack() as stack:
        stack.enter_context(one_run_per_process())
        if arrival.gate.proof:  # a plan knows files, and not what lies compiled beside them
            stack.enter_context(compiled_anew())
        stack.enter_context(project_world((project.folder / project.alembic_ini).parent, {**variables, **exported}))
        keep_what_is_there()
        config = alembic_config((project.folder / project.alembic_ini).resolve(), url)
        try:
            stack.enter_context(handed_connection(config, url, environment.connection))
            then(errand_of(config), passage)
        except KeyboardInterrupt as error:
            _interrupted(error, arrival, passage)
            raise
        except (Exception, SystemExit) as error:
            signal = behind(error) or take_swallowed()
            if signal is not None:
                _interrupted(signal, arrival, passage)
                raise signal from None
            raise _failed(error, arrival, passage) from error
    return passage


def _seen_to_work_on_one(env_py: str) -> bool:
    try:
        return configures_once(revision_text(Path(env_py)))
    except UsageError:  # Python says, when it runs it, what is wrong with it
        return False


def _patiently(task: Errand, passage: Passage, *, first: bool = False) -> None:
    """Run env.py again after a deadlock or a serialization failure: the revision's transaction is gone as a whole."""
    for attempt in range(1, _TRIES + 1):
        try:
            run(task, passage, first=first)
        except DBAPIError as error:
            facts = passage.dialect.facts(error.orig) if passage.dialect and error.orig else None
            if facts is None or facts.kind != "deadlock" or attempt == _TRIES or passage.step is None or not passage.may_begin_again:
                raise
            pause = random.uniform(0.2, 1.0) * attempt
            passage.retrying(passage.step, attempt, pause, facts.message)
            time.sleep(pause)
        else:
            break
    if passage.after is None:
        hint = "let env.py call `context.run_migrations()` and let its errors through"
        raise Failed("env-failed", "env.py ended without running its migrations to the end", "env.py", hint)


def _interrupted(error: KeyboardInterrupt, arrival: Arrival, passage: Passage) -> None:
    """Write down what was cut off; by a connection of its own, because the working one is gone or about to go."""
    if passage.permit is not None:
        revision = passage.step.revision if passage.step else ""
        changed = passage.changed_at_end(unanswered=True)
        arrival.record(ledger.Event("interrupted", revision, passage.permit.sight.heads, error=f"{reason(error)}; changed: {changed}"))


def _limits(environment: Environment) -> Limits:
    return Limits(environment.lock_timeout, environment.lock_wait, environment.statement_timeout)


def _failed(error: BaseException, arrival: Arrival, passage: Passage) -> LockgateError:
    ours = error if isinstance(error, LockgateError) else translate(error, passage.scene)
    if ours.code == "lock-timeout" and passage.blockers:
        ours.where += "".join(f"\n  in the way: {line}" for line in passage.blockers)
    if ours.changed == NOTHING:
        ours.changed = passage.changed_at_end(unanswered=isinstance(error, DBAPIError) and error.connection_invalidated)
    if not passage.recorded and arrival.request.verb.acts:
        outcome = "refused" if isinstance(ours, Refused) else "failed"
        revision = passage.step.revision if passage.step else ""
        heads = passage.permit.sight.heads if passage.permit else arrival.sight.heads
        arrival.record(ledger.Event(outcome, revision, heads, error=f"{ours.code}: {ours.what}"))
    return ours
