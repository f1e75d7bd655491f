"""Having a plan's revisions run and traced by a process of its own, without credentials."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, NoReturn

import msgspec

from lockgate.errors import CODES, Bug, LockgateError, Unreachable
from lockgate.events import Notify, Tracing
from lockgate.hazards.answers import Workload
from lockgate.runs.scratch_database import ScratchDatabase
from lockgate.runs.traced import Begun, Orders, Told
from lockgate.secret import parse_url, without_secrets
from lockgate.settings.project import Project
from lockgate.words import Request


@dataclass(frozen=True)
class Progress:
    """
    Who hears of each revision.

    Args:
        total: how many there will be in both directions; 0 where nobody knows.
    """

    notify: Notify
    total: int = 0


_LONGEST_S = 3600.0  # for all revisions of a plan and their way back; most copies have no rows
# What reaches a database or a vault without being a secret by its name.
_WAYS_OUT = ("PG", "AWS_", "AZURE_", "GOOGLE_", "VAULT_", "MYSQL_")


@contextmanager
def other_process(environ: Mapping[str, str], project: Project) -> Iterator[subprocess.Popen[bytes]]:
    """
    Start the other process, which gets ready while a scratch database is made; without anything to do it ends with the `with` block.

    It leads a process group of its own: Ctrl-C is for this process, which then ends the other one with all that its revisions started.
    Where this process is killed, the other one finds the end of the leash and does that itself.
    """
    leash, held = os.pipe()
    try:
        with subprocess.Popen(
            # -P: `-m` would otherwise look for modules where the caller stands, as `lockgate` itself does not.
            [sys.executable, "-P", "-m", "lockgate.runs.traced", str(leash)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=harmless(environ, project),
            start_new_session=True,
            pass_fds=(leash,),
        ) as child:
            yield child
    finally:
        os.close(leash)
        os.close(held)


def trace_apart(
    child: subprocess.Popen[bytes],
    request: Request,
    project: Project,
    scratch: ScratchDatabase,
    heads: tuple[str, ...],
    workload: Workload | None,
    progress: Progress,
    database: str = "",
) -> Told:
    """
    Run the pending revisions and their way back on a scratch database, in another process.

    Args:
        child: of `other_process`; it does this once.
        heads: applied ones; the way back is tried where there is one at most.
        workload: queries to be tried before and after the revisions.
        progress: hears of each revision.
        database: name of the one that the scratch stands for.
    Raises:
        LockgateError: whatever the other process gave up with; Unreachable `no-plan` where it could not even tell.
    """
    back = heads[0] if len(heads) == 1 else "" if heads else "base"
    orders = Orders(str(project.folder), request.environment, scratch.url.render().reveal(), request.to, back, workload=workload, database=database)
    return obeyed(child, orders, progress)


def obeyed(child: subprocess.Popen[bytes], orders: Orders, progress: Progress) -> Told:
    """Have the other process do what is ordered; raises as `trace_apart`, also where it takes longer than an hour."""
    assert child.stdin is not None
    with _bounded(child) as late:
        _write(child.stdin, msgspec.json.encode(orders))
        told = _heard(child, progress)
        child.wait()
    if told is None and late.is_set():
        what = f"the revisions were not through on the copy after {_LONGEST_S / 60:.0f} minutes"
        hint = "look for what waits for something outside of the database; plan up to the revision before it: lockgate plan ENVIRONMENT REVISION"
        raise Unreachable("no-plan", what, parse_url(orders.url).place, hint)
    if told is None:
        what = f"the process that ran the revisions ended with status {child.returncode} before it could tell what they did"
        raise Unreachable("no-plan", what, parse_url(orders.url).place, "look at what it wrote to standard error")
    if told.trouble is not None:
        _give_up(told)
    return told


@contextmanager
def _bounded(child: subprocess.Popen[bytes]) -> Iterator[threading.Event]:
    """End the other process with all that it started where the block takes too long, which sets the event, or breaks off."""
    late = threading.Event()

    def give_up() -> None:
        late.set()
        _end(child)

    timer = threading.Timer(_LONGEST_S, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield late
    except BaseException:
        _end(child)  # now: the database that it works in is dropped next
        raise
    finally:
        timer.cancel()


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def _write(pipe: IO[bytes], text: bytes) -> None:
    """Hand the orders over; what keeps the other process from taking them shows in its answer."""
    with suppress(BrokenPipeError):
        while text:
            text = text[os.write(pipe.fileno(), text) :]
    pipe.close()


def _heard(child: subprocess.Popen[bytes], progress: Progress) -> Told | None:
    told = None
    number = 0
    for line in child.stdout or ():
        try:
            said = msgspec.json.decode(line, type=Begun | Told)
        except msgspec.DecodeError:
            return None
        if isinstance(said, Told):
            told = said
        else:
            number += 1
            progress.notify(Tracing(said.revision, said.direction, number, max(progress.total, number) if progress.total else 0))
    return told


def harmless(environ: Mapping[str, str], project: Project) -> dict[str, str]:
    """Variables without credentials, and without any that leads to a database."""
    environments = project.environments.values()
    sources = [project.scratch_url, *(source for each in environments for source in (each.url, each.scratch_url))]
    exported = {name for environment in environments for name in environment.export}
    ours = {*exported, project.variable.name, *(source.value for source in sources if source)}
    return {
        name: value for name, value in without_secrets(environ).items() if name not in ours and not name.startswith(_WAYS_OUT)
    }


def _give_up(told: Told) -> NoReturn:
    trouble = told.trouble
    if trouble is None or trouble.code not in CODES:
        raise Bug("internal", f"the plan's process told nonsense: {json.dumps(trouble and trouble.code)}")
    hint = trouble.hint
    if trouble.code == "env-failed":
        hint = "revisions are planned without credentials: give env.py a default for what it reads from a variable; it is led to the copy anyway"
    error: LockgateError = CODES[trouble.code](trouble.code, trouble.what, trouble.where, hint)
    raise error
