"""Running env.py: once dry to see what it would do, then for good; or for good at once, where its text shows what it does."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import Engine

from lockgate.alembic_seam.crew import Crew
from lockgate.alembic_seam.doorway import Doorway, Run, Survey
from lockgate.alembic_seam.work import word_of
from lockgate.dialects.bare import watched_connects
from lockgate.dialects.connect import dialect_behind
from lockgate.dialects.driver import DriverSession
from lockgate.errors import Failed
from lockgate.words import Step, VersionTable

StepsOf = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Surveyed:
    """What the dry pass saw: the steps that would run, from which heads, and Alembic's table as env.py names it."""

    heads: tuple[str, ...]
    steps: tuple[Step, ...]
    version_table: VersionTable


@dataclass(frozen=True)
class Errand:
    """
    What Alembic is to do.

    Args:
        steps_of: `fn(heads, context)` that returns Alembic's steps.
        options: further options of the EnvironmentContext (`destination_rev`, `tag`, `purge`).
        plain: the way is known to lead on from any head, and env.py's text shows that it works on one database: no dry pass is needed.
    """

    config: Config
    script: ScriptDirectory
    steps_of: StepsOf
    options: dict[str, Any]
    plain: bool = False

    def context(self) -> EnvironmentContext:
        """Return a fresh EnvironmentContext for one pass."""
        return EnvironmentContext(self.config, self.script, fn=self.steps_of, **self.options)


def errand(script: ScriptDirectory, config: Config, direction: str, target: str, *, replaced: bool = False) -> Errand:
    """
    Make the errand of a verb.

    Args:
        script: see `script_directory`.
        direction: `upgrade`, `downgrade` or `stamp`.
        target: in Alembic's notation.
        replaced: something else takes the place of the steps after the dry pass, which then need not list them: that imports their files.
    """
    # These three are what alembic.command itself hands to its EnvironmentContext; there is no public way to them.
    steps_of = {
        "upgrade": lambda heads, context: script._upgrade_revs(target, heads),
        "downgrade": lambda heads, context: script._downgrade_revs(target, heads),
        "stamp": lambda heads, context: script._stamp_revs(tuple(target.split()), heads),
    }[direction]
    return Errand(config, script, _from_second(steps_of) if replaced else steps_of, {"destination_rev": target})


def _from_second(steps_of: StepsOf) -> StepsOf:
    """List nothing in the dry pass."""
    passes = itertools.count()
    return lambda heads, context: steps_of(heads, context) if next(passes) else ()


def survey(task: Errand, crew: Crew) -> Surveyed:
    """
    Run env.py dry: judge what it brings, list the steps, write nothing.

    Raises:
        Refused: by the guard, or `configure-twice`.
        Failed: `env-failed` where env.py never came to `context.configure`.
    """
    env = task.context()
    doorway = Survey(env, crew, task.steps_of)
    with env, judged_connections(crew, doorway):
        task.script.run_env()
    doorway.raise_swallowed()
    _refuse_silence(task, doorway)
    return Surveyed(doorway.heads, tuple(word_of(step) for step in doorway.steps), doorway.version_table)


def run(task: Errand, crew: Crew, *, first: bool = False) -> None:
    """
    Run env.py for good; the crew hears of every step, and `finished` only when all were committed.

    Args:
        first: there was no survey.
    Raises:
        Refused, Failed: as `survey`; nothing changed, unless env.py calls `configure` again after its migrations.
    """
    env = task.context()
    doorway = Run(env, crew, task.steps_of, first=first)
    try:
        with env, judged_connections(crew, doorway):
            task.script.run_env()
    finally:
        doorway.end()
    doorway.raise_swallowed()
    _refuse_silence(task, doorway)


def _refuse_silence(task: Errand, doorway: Doorway) -> None:
    if not doorway.calls:
        hint = "let it call `context.configure(connection=...)` and `context.run_migrations()`, as Alembic's own template does"
        raise Failed("env-failed", "env.py never called `context.configure` with a connection", task.script.env_py_location, hint)


@contextmanager
def judged_connections(crew: Crew, doorway: Doorway) -> Iterator[None]:
    """
    Judge every connection that SQLAlchemy, or a driver by itself, opens in this process while the block runs, before its first statement.

    Args:
        doorway: remembers a refusal, which env.py may catch.
    """

    def judge(connection: Any, record: Any = None) -> None:
        dialect = dialect_behind(connection)
        if dialect is None:
            return
        # Before the first statement: a wire that is cut while env.py is only being judged would be noticed after hours.
        dialect.keep_alive(connection)
        session = DriverSession(connection)
        try:
            crew.judge_new(session, dialect)
        except BaseException as error:
            doorway.remember(error)
            raise
        finally:
            session.rollback()

    event.listen(Engine, "connect", judge)
    try:
        with watched_connects(judge):
            yield
    finally:
        event.remove(Engine, "connect", judge)
