"""Faults that every database knows: signals, death at a statement, eight at once, the wrong target, a full disk."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

from building import Database
from faults.boundaries import die
from faults.rows import EVERY, FAILED, KILLED, REFUSED, SUCCESS, Play
from faults.servers import Disk
from faults.stage import Stage
from faults.trial import Result, Trial

_CROWD = 8


def signalled(number: signal.Signals, exits: frozenset[str]) -> Play:
    """A signal at a random moment."""

    def play(stage: Stage, trial: Trial) -> Result:
        trial.judge(trial.strike(lambda child: child.signal(number)), exits=exits)
        return trial.finish()

    return play


def at_every_statement(stage: Stage, trial: Trial) -> Result:
    """The process is killed before or after statement n."""
    trial.judge(trial.at_boundary(die, EVERY), exits=KILLED)
    return trial.finish()


def ended_at_every_statement(number: signal.Signals, exits: frozenset[str]) -> Play:
    """A signal arrives before or after statement n."""

    def play(stage: Stage, trial: Trial) -> Result:
        # Behind the last statement the run has reached its target, and says so.
        trial.judge(trial.at_boundary(lambda: os.kill(os.getpid(), number), EVERY), exits=exits | SUCCESS)
        return trial.finish()

    return play


def cut_at_every_statement(cut: Callable[[Database], object], exits: frozenset[str]) -> Play:
    """The server ends the connection before or after statement n."""

    def play(stage: Stage, trial: Trial) -> Result:
        trial.judge(trial.at_boundary(lambda: cut(trial.database), EVERY), exits=exits | SUCCESS)
        return trial.finish()

    return play


def a_crowd(stage: Stage, trial: Trial) -> Result:
    """Eight runs start together; all of them must succeed."""
    crowd = [trial.start() for _ in range(_CROWD)]
    for child in crowd:
        child.wait()
    trial.from_heads = trial.arena.head  # those that came too late find nothing to do
    trial.judge(*crowd, exits=SUCCESS)
    for child in crowd:
        if "waiting for the lock" in child.said and not re.search("waiting for the lock.*held by", child.said, re.DOTALL):
            trial.result.problems.append("a waiter does not say whom it waits for")
    return trial.finish()


def the_wrong_target(stage: Stage, trial: Trial) -> Result:
    """`dev` is pointed at a database that says it is `test`; nothing may be written, and both names must be told."""
    project = trial.arena.project
    project.point("test", trial.url)
    trial.from_heads = (trial.chance.choice(trial.arena.revisions[:-1]),)
    first = trial.start("upgrade", "test", *trial.from_heads)
    assert first.wait() == 0, first.said
    before = trial.database.picture()
    child = trial.start()
    child.wait()
    if trial.database.picture() != before:
        trial.result.problems.append("something was written")
    if not ("`dev`" in child.said and "`test`" in child.said):
        trial.result.problems.append("the message does not name both environments")
    trial.environment = "test"
    trial.judge(child, exits=REFUSED)
    result = trial.finish()
    del project.environ["TEST_DATABASE_URL"]
    return result


def a_full_disk(disk_of: Callable[[Stage], Disk]) -> Play:
    """There is less room than the run needs; then somebody makes room."""

    def play(stage: Stage, trial: Trial) -> Result:
        disk = disk_of(stage)
        needs = trial.arena.needs(disk)
        trial.point()
        disk.leave(round(needs * trial.chance.random() * 0.95))
        child = trial.start()
        child.wait()
        disk.relieve()
        trial.judge(child, exits=FAILED)
        return trial.finish()

    return play
