"""
The process that runs a plan's revisions: `python -m lockgate.runs.traced LEASH`, orders on standard input, what was seen on standard output, a JSON
object a line. LEASH is the number of a pipe that ends where the process that asks does.

A process of its own, because it runs foreign code with every driver shut in, and because it must not have the environment's credentials.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lockgate.dialects.connect import questions_named, tracing_named
from lockgate.errors import Bug, LockgateError
from lockgate.events import Event, Notify, Started
from lockgate.files import load_project, revision_text
from lockgate.hazards.allow import Allow, may_fail, read_allows
from lockgate.hazards.answers import Workload
from lockgate.hazards.effects import RevisionEffects
from lockgate.hazards.seen import Change, Fault
from lockgate.hazards.workload import Tried, compare
from lockgate.runs.gate import opened
from lockgate.runs.scratch_database import ScratchDatabase, described
from lockgate.runs.target import Target, environment_of
from lockgate.secret import parse_url

if TYPE_CHECKING:
    from lockgate.trace.tracer import Tracer

# Alembic and SQLAlchemy take longest to import: here that is done before there is anything to do, and the process that asks needs neither.
_HEAVY = ("lockgate.runs.through", "lockgate.trace.jail", "lockgate.trace.tracer")


# Nobody else is on the scratch: who waits there waits for another connection of the same revision, and no second try helps.
_LOCK_WAIT_S = 5.0
_WAITED = "55P03"  # PostgreSQL's lock_not_available


class Orders(msgspec.Struct, frozen=True):
    """
    What to trace.

    Args:
        folder: of the project.
        environment: whose driver, options and exported variables env.py is used to.
        url: of the scratch database, with a driver for env.py.
        target: in Alembic's notation; several, separated by blanks, are gone to one after the other.
        back: where to go back to afterwards; empty for not at all.
        only, apart: see `Tracer`.
        workload: queries to be tried before and after the revisions; None for none.
        database: name of the target's database, for which the scratch one stands; empty where there is no target.
    """

    folder: str
    environment: str
    url: str
    target: str
    back: str = ""
    only: tuple[str, ...] = ()
    apart: bool = False
    workload: Workload | None = None
    database: str = ""


class Trouble(msgspec.Struct, frozen=True):
    """An error of ours on its way to the other process; the fields are those of `LockgateError`."""

    code: str
    what: str
    where: str
    hint: str


class Begun(msgspec.Struct, frozen=True, tag=True):
    """Told while it goes on: a revision begins."""

    revision: str
    direction: str


class Told(msgspec.Struct, frozen=True, tag=True):
    """Told at the end: what was seen; `trouble` where no revision was to blame."""

    revisions: tuple[RevisionEffects, ...] = ()
    back: tuple[RevisionEffects, ...] = ()
    unrestored: tuple[Change, ...] = ()
    workload: Workload | None = None
    trouble: Trouble | None = None


def main() -> None:
    """Do what standard input orders; anything that is printed meanwhile goes to standard error."""
    threading.Thread(target=_end_with, args=(int(sys.argv[1]),), name="lockgate-leash", daemon=True).start()
    answer = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    for name in _HEAVY:
        import_module(name)
    orders = sys.stdin.buffer.read()
    if not orders:
        return  # whoever wanted to ask has given up

    def say(what: Begun | Told) -> None:
        line = msgspec.json.encode(what) + b"\n"
        while line:
            line = line[os.write(answer, line) :]

    say(_answer(msgspec.json.decode(orders, type=Orders), say))


def _end_with(leash: int) -> None:
    """End this process and all that it started where nobody is left to hear of it."""
    os.read(leash, 1)
    os.killpg(0, signal.SIGKILL)


def _answer(orders: Orders, say: Callable[[Begun], None]) -> Told:
    try:
        return _trace(orders, say)
    except LockgateError as error:
        return Told(trouble=Trouble(error.code, error.what, error.where, error.hint))
    except Exception as error:  # the other process must hear of it, whatever it is
        trace = "".join(traceback.format_exception(error)[-3:])
        bug = Bug("internal", f"this is a bug of lockgate: {type(error).__name__}: {error}\n{trace}")
        return Told(trouble=Trouble(bug.code, bug.what, bug.where, bug.hint))


def _trace(orders: Orders, say: Callable[[Begun], None]) -> Told:
    from lockgate.trace.jail import jail
    from lockgate.trace.tracer import Tracer

    project = load_project(Path(orders.folder))
    url = parse_url(orders.url)
    tracing = tracing_named(url.backend)
    shorten = partial(_below, folder=project.folder)
    tracer = Tracer(tracing, url, shorten, frozenset(orders.only), apart=orders.apart, may_fail=_may_fail)
    jail(tracing, url)
    tracing.stand_for(orders.database, url.database)
    like = replace(environment_of(project, orders.environment), lock_wait=_LOCK_WAIT_S)
    scratch = described(project, url, like)

    def hear(happened: Event) -> None:
        if isinstance(happened, Started):
            say(Begun(happened.step.revision, happened.step.direction))
        tracer.hear(happened)

    with tracer.listening():
        before = _tried(scratch.target, orders.workload)
        ran = all(_reached(scratch, target, tracer, hear, project.folder) for target in orders.target.split())
        up = tracer.revisions()
        workload = compare(orders.workload, before, _tried(scratch.target, orders.workload)) if ran and orders.workload else None
        passed = next((revision.id for revision in reversed(up) if revision.fault), "")
        if not ran or not orders.back or (up and passed == up[-1].id):
            return Told(up, workload=workload)
        # Behind one that was passed over nobody can go: what it should have made is not there.
        _ran(lambda: scratch.downgrade(passed or orders.back, hear), tracer)
    if passed:
        return Told(up, tracer.revisions()[len(up) :], workload=workload)
    with opened(scratch.target) as session:
        unrestored = tracer.origin.unrestored(tracing.picture(session)) if tracer.origin else ()
    return Told(up, tracer.revisions()[len(up) :], unrestored, workload)


def _tried(target: Target, workload: Workload | None) -> Sequence[Tried]:
    questions = questions_named(target.url.backend)
    if workload is None or not workload.queries:
        return ()
    with opened(target) as session:
        return questions.tried(session, [query.text for query in workload.queries])


def _reached(scratch: ScratchDatabase, target: str, tracer: Tracer, hear: Notify, folder: Path) -> bool:
    """Upgrade, passing over revisions whose comments allow that they fail; return whether the target was reached."""
    while not _ran(partial(scratch.upgrade, target, notify=hear), tracer):
        failed = tracer.revisions()[-1]
        by_itself = not any(effect.fault and not effect.spared for effect in failed.effects)
        if not by_itself or not _may_fail(str(folder / failed.file), 0):
            return False
        scratch.stamp(failed.id)
    return True


@cache
def _allows(file: str) -> tuple[Allow, ...]:
    return read_allows(file, revision_text(Path(file)))


def _may_fail(file: str, line: int) -> bool:
    return may_fail(_allows(file), line)


def _ran(run: Callable[[], object], tracer: Tracer) -> bool:
    """Run revisions; return whether all of them ended well."""
    try:
        run()
    except LockgateError as error:
        state = _WAITED if error.code == "lock-timeout" else ""
        if not tracer.broken(Fault(message=error.what, state=state, line=_line(error, tracer))):
            raise
        return False
    return True


def _below(file: str, folder: Path) -> str:
    path = Path(file)
    return str(path.relative_to(folder)) if folder in path.parents else file


def _line(error: BaseException, tracer: Tracer) -> int:
    """The innermost line of the revision's file on the way to the error."""
    cause = error.__cause__
    frames = traceback.extract_tb(cause.__traceback__) if cause and tracer.step else []
    return next((frame.lineno or 0 for frame in reversed(frames) if tracer.step and frame.filename == tracer.step.file), 0)


if __name__ == "__main__":
    main()
