"""Plain `alembic` and `alembic.command` behind the same gate: the project's own EnvironmentContext, guarded where it stands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from alembic.util import CommandError
from sqlalchemy import Connection

from lockgate.alembic_seam.crew import Crew
from lockgate.alembic_seam.doorway import Doorway, Run, Survey
from lockgate.alembic_seam.run import judged_connections
from lockgate.alembic_seam.work import word_of
from lockgate.alembic_seam.world import quiet_alembic
from lockgate.dialects.alchemy import AlchemySession
from lockgate.dialects.base import Dialect
from lockgate.dialects.connect import dialect_named, is_known
from lockgate.errors import Failed, LockgateError
from lockgate.permit import Session
from lockgate.words import VersionTable

# What a command enters; for rooms that hand it on and must not import Alembic.
AlembicContext = EnvironmentContext


def only_reads(env: EnvironmentContext) -> bool:
    """Whether the command writes nothing: `current`, `check`, `revision --autogenerate`, offline mode."""
    options = env.context_opts
    return env.is_offline_mode() or bool(options.get("dont_mutate")) or "revision_context" in options or "fn" not in options


def supposed_verb(env: EnvironmentContext) -> str:
    """
    Return `upgrade`, `downgrade` or `stamp` as the name of the command's `fn` has it, before its steps are known.

    For the words of a refusal only: a program's own `fn` may be called anything, and counts as `upgrade`.
    """
    name = getattr(env.context_opts.get("fn"), "__name__", "")
    return {"downgrade": "downgrade", "do_stamp": "stamp"}.get(name, "upgrade")


class Reader(Doorway):
    """A reading command: the registry is hidden, Alembic creates no version table by looking, and no step is run."""

    def __init__(self, env: EnvironmentContext, crew: Crew) -> None:
        super().__init__(env, crew, env.context_opts.get("fn") or _no_steps)
        if not env.is_offline_mode():
            env.context_opts.update(fn=self._look, dont_mutate=True)

    def admit(self, connection: Connection, dialect: Dialect, table: VersionTable, args: Any, options: dict[str, Any]) -> None:
        """Configure as asked."""
        self._configure(connection, *args, **options)

    def _look(self, heads: Any, context: Any) -> list[Any]:
        """Call the command's `fn`; nobody judged the connection, so no step may come out of it."""
        steps = list(self.steps_of(heads, context))
        if steps:
            names = ", ".join(f"`{word_of(step).revision}`" for step in steps)
            hint = "run the command again; a program hands its `fn` to EnvironmentContext, neither with `dont_mutate` nor to `configure`"
            with as_command_error():
                raise Failed("env-failed", f"a call that was to read only has steps to run: {names}", "env.py", hint)
        return steps


def _no_steps(heads: Any, context: Any) -> list[Any]:
    return []


class Runner(Run):
    """An acting command; our errors come out as Alembic's CommandError too, which its command line prints without a traceback."""

    def configure(self, connection: Any = None, *args: Any, **options: Any) -> None:
        """Stand in for `EnvironmentContext.configure`."""
        with as_command_error():
            super().configure(connection, *args, **options)

    def run_migrations(self, **kw: Any) -> None:
        """Stand in for `EnvironmentContext.run_migrations`."""
        with as_command_error():
            super().run_migrations(**kw)


def survey(env: EnvironmentContext, crew: Crew) -> str:
    """
    Run env.py dry with the command's own `fn`.

    Returns:
        The direction of its steps; `stamp` where it has none and writes the version table all the same; empty where it writes
        nothing.
    """
    dry = EnvironmentContext(env.config, env.script, **env.context_opts)
    doorway = Survey(dry, crew, env.context_opts["fn"])
    with quiet_alembic(), dry, judged_connections(crew, doorway):
        env.script.run_env()
    doorway.raise_swallowed()
    steps = [word_of(step) for step in doorway.steps]
    if steps:
        return steps[0].direction
    return "stamp" if env.context_opts.get("purge") or doorway.makes_version_table else ""


def stand_guard(env: EnvironmentContext, crew: Crew, duration: ExitStack) -> None:
    """
    Put the gate in front of `env`, whose env.py is about to run.

    Args:
        duration: closed when Alembic leaves the context.
    """
    runner = Runner(env, crew, env.context_opts["fn"])
    duration.enter_context(judged_connections(crew, runner))
    duration.callback(runner.end)
    _at_exit(env, duration.pop_all().close, runner.raise_swallowed)


def _at_exit(env: EnvironmentContext, close: Callable[[], None], complain: Callable[[], None]) -> None:
    # Called by EnvironmentContext.__exit__ on the instance; there is no public hook for leaving.
    original, before = env._remove_proxy, sys.exc_info()[1]

    def remove_proxy() -> None:
        try:
            close()
        finally:
            original()
        if sys.exc_info()[1] is before:  # else env.py let an error through, which is on its way already
            with as_command_error():
                complain()

    env._remove_proxy = remove_proxy  # type: ignore[method-assign]


def watch_markers(env: EnvironmentContext, refuse: Callable[[Session, Dialect], None]) -> None:
    """
    Look at the connection that env.py brings for writing, where there is no project; change nothing else.

    Args:
        refuse: raises where the database is marked.
    """
    configure = env.configure

    def watched(connection: Any = None, *args: Any, **options: Any) -> None:
        writes = not only_reads(env) or "fn" in options
        if writes and isinstance(connection, Connection) and is_known(connection.dialect.name):
            began = connection.in_transaction()
            with as_command_error():
                refuse(AlchemySession(connection), dialect_named(connection.dialect.name))
            if not began:
                connection.rollback()
        configure(connection, *args, **options)

    env.configure = watched  # type: ignore[method-assign]


@contextmanager
def as_command_error() -> Iterator[None]:
    """Let our errors pass as what they are and as Alembic's CommandError."""
    try:
        yield
    except CommandError:
        raise
    except LockgateError as error:
        kind = type(error)
        twin = type(kind.__name__, (kind, CommandError), {"__str__": _one_line})
        raise twin(error.code, error.what, error.where, error.hint, error.changed) from error


def _one_line(error: LockgateError) -> str:
    parts: Sequence[tuple[str, str]] = (("where", error.where), ("changed", error.changed), ("hint", error.hint), ("code", error.code))
    return error.what + "".join(f" | {word}: {value}" for word, value in parts if value)
