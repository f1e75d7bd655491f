"""The way from a run to the user that several verbs share: listen, ask once where asking helps, report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from lockgate.cli.call import Call
from lockgate.errors import Refused
from lockgate.events import Notify
from lockgate.outcome import Outcome
from lockgate.report import text
from lockgate.report.table import Blocks
from lockgate.settings.project import Project
from lockgate.words import Request, Sight

T = TypeVar("T")
Run = Callable[[Request, Project, Notify], Outcome]


def act(call: Call, run: Run, request: Request) -> int:
    """Do one run and report it; at a terminal a missing confirmation may be typed. Returns the exit status."""
    project = call.project()
    done = asked_once(call, request, project, lambda asked: _listen(call, run, asked, project))
    return _report(call, replace(done, notices=call.output.unheard(done)) if not call.output.json else done)


def asked_once(call: Call, request: Request, project: Project, go: Callable[[Request], T]) -> T:
    """Do `go`; where it is refused for want of a confirmation and somebody sits at a terminal, ask and do it once more."""
    asks = not request.confirm and call.face.environ.get("CI") != "true" and call.output.interactive
    request = replace(request, asks=asks)
    try:
        return go(request)
    except Refused as refusal:
        call.output.watched.acting = False  # whoever leaves the prompt with Ctrl-C has changed nothing
        return go(_confirmed(call, request, project, refusal))


def _listen(call: Call, run: Run, request: Request, project: Project) -> Outcome:
    with call.output.live(request.environment, request.verb.acts) as notify:
        return run(request, project, notify)


def _confirmed(call: Call, request: Request, project: Project, refusal: Refused) -> Request:
    """
    Ask for the environment's name and return the request with what was typed; the guard judges it, as it judges CONFIRM_ENV.

    Raises:
        Refused: the same refusal, where typing the name is not the answer, nobody can be asked, or nothing was typed.
    """
    if refusal.code != "unconfirmed" or not request.asks:
        raise refusal
    shown = text.confirmation(request, look_for_prompt(request, project))
    typed = call.output.ask(shown, f"type the name of the environment to go on with `{request.verb.value}`: ")
    if not typed:
        raise refusal
    return replace(request, confirm=typed, asks=False)


def look_for_prompt(request: Request, project: Project) -> Sight:
    """Look at the database that the user is asked about, without changing it."""
    from lockgate.runs.gate import sight

    return sight(request, project)


def _report(call: Call, done: Outcome) -> int:
    failure = text.outcome_error(done)
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.outcome(done))
    else:
        call.output.show((*text.outcome(done), *_seeds(done)))
        if failure:
            call.output.fail(text.error(failure))
    return failure.exit_code if failure else 0


def _seeds(done: Outcome) -> Blocks:
    """What `upgrade --seed` adds to the report."""
    if not hasattr(done, "seeds"):
        return ()
    from lockgate.report import seeds

    return (seeds.table_of(done.seeds),) if done.seeds else (f"no seed belongs into `{done.environment}`",)
