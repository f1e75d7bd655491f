"""Errors of Alembic, SQLAlchemy, drivers and the project's own code -> ours, by class and SQLSTATE."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path

from alembic.script import revision as alembic_revision
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError, NoSuchTableError

from lockgate.dialects.base import Dialect
from lockgate.dialects.parts import ErrorFacts
from lockgate.errors import Busy, Failed, LockgateError, Refused, Unreachable, UsageError
from lockgate.secret import redact
from lockgate.words import Step

_DRIVERS = ("psycopg", "psycopg2", "asyncpg", "aiosqlite", "pg8000", "pymysql", "MySQLdb", "aiomysql", "asyncmy")
_LONGEST_STATEMENT = 300  # characters
_ALEMBIC = (
    (alembic_revision.MultipleHeads, "multiple-heads", "merge them with `alembic merge heads`, or ask for `heads`"),
    (
        alembic_revision.RangeNotAncestorError,
        "revision-not-found",
        "look at `alembic history` for what lies between; downgrade goes back, upgrade forward",
    ),
    (alembic_revision.ResolutionError, "revision-not-found", "look at `alembic history` for the revisions there are"),
    (alembic_revision.CycleDetected, "revision-cycle", "mend `down_revision` in the files it names"),
)


@dataclass(frozen=True)
class Scene:
    """
    Where a run stood when something was raised.

    Args:
        step: the step that was open; None outside of one.
        at_base: the database had no applied revision when the run began, and there is no bootstrap.
    """

    folder: Path
    place: str
    dialect: Dialect | None = None
    step: Step | None = None
    at_base: bool = False


def translate(error: BaseException, scene: Scene) -> LockgateError:
    """
    Say what `error` means.

    Args:
        error: whatever came out of env.py; not an error of ours, not an interruption.
    """
    facts = _facts(error, scene)
    if scene.step is not None:
        return _in_step(error, scene, scene.step, facts)
    if isinstance(error, CommandError):
        return _command_error(error, scene)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in _DRIVERS:
        name = (error.name or "").split(".")[0]
        return UsageError(
            "driver-missing",
            f"the project's driver `{name}` is not installed",
            scene.place,
            f'pip install {name}, or name another one: driver = "psycopg"',
        )
    if facts is not None and facts.kind == "disk-full":
        return _disk_full(facts, scene.place)
    if isinstance(error, DBAPIError) and error.statement is None:
        first = redact(str(error.orig)).strip().splitlines() or [type(error.orig).__name__]
        if error.connection_invalidated:
            hint = "find out who ended it (a failover, an administrator, the network), then run the same command again"
            return Unreachable("unreachable", f"the connection was lost: {first[-1]}", scene.place, hint)
        return Unreachable("unreachable", f"env.py cannot connect: {first[-1]}", scene.place, "check the URL that env.py uses")
    if facts is not None and facts.kind in ("permission", "read-only"):
        return _permission(facts, scene.place)
    if facts is not None and facts.kind == "lock-timeout":
        return _lock_timeout(facts, scene.place)
    where = _line_in(error, scene.folder) or "env.py"
    return Failed(
        "env-failed", f"env.py raised {_sentence(error)}", where, "run the command again with `--debug` to see the whole traceback"
    )


def _in_step(error: BaseException, scene: Scene, step: Step, facts: ErrorFacts | None) -> LockgateError:
    where = f"revision `{step.revision}` ({_line_in(error, Path(step.file)) or _short(Path(step.file), scene.folder)}), {scene.place}"
    missing = _missing_table(error, facts)
    if missing and scene.at_base and step.direction == "upgrade":
        what = f"the history does not start from an empty database: revision `{step.revision}` needs table `{missing}`, which no revision makes"
        return Failed(
            "history-not-self-contained",
            what,
            where,
            'write `[bootstrap]` with `file = "schema.sql"` (a dump of the base tables) and `stamp = "REVISION"`',
        )
    if facts is not None and facts.kind in ("permission", "read-only"):
        return _permission(facts, where)
    if facts is not None and facts.kind == "lock-timeout":
        return _lock_timeout(facts, where)
    if isinstance(error, DBAPIError) and error.statement:
        where += f"\n  statement: {_shortened(error.statement)}"
    if facts is not None and facts.kind == "disk-full":
        return _disk_full(facts, where)
    reason = facts.message if facts else _sentence(error)
    hint = "mend the revision, then run the command again: it continues after the last committed one"
    if scene.dialect is not None and scene.dialect.features.journal:
        hint = "mend this statement or those behind it, then run the command again: it goes on after the last one that was done"
    return Failed("revision-failed", f"revision `{step.revision}` failed: {reason}", where, hint)


def _facts(error: BaseException, scene: Scene) -> ErrorFacts | None:
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    return scene.dialect.facts(driver_error) if scene.dialect and driver_error else None


def _missing_table(error: BaseException, facts: ErrorFacts | None) -> str:
    if isinstance(error, NoSuchTableError):
        return str(error)
    return facts.name if facts and facts.kind == "missing-table" else ""


def _command_error(error: CommandError, scene: Scene) -> LockgateError:
    for kind, code, hint in _ALEMBIC:
        if any(isinstance(item, kind) for item in (error, error.__cause__)):
            return UsageError(code, redact(str(error)), scene.place, hint)
    return UsageError(
        "alembic-settings", redact(str(error)), scene.place, "run `alembic history` in the project's folder to see it without a database"
    )


def _permission(facts: ErrorFacts, where: str) -> LockgateError:
    if facts.kind == "read-only":
        return Refused("read-only", f"this database can only be read: {facts.message}", where, "use a role and a server that may write")
    return Failed(
        "permission-denied",
        f"the role may not do this: {facts.message}",
        where,
        "the role needs CREATE on the database and on the schema of the tables",
    )


def _lock_timeout(facts: ErrorFacts, where: str) -> Busy:
    hint = "find the long transaction or the other writer, then run the command again"
    return Busy("lock-timeout", f"a lock was not free in time: {facts.message}", where, hint)


def _disk_full(facts: ErrorFacts, where: str) -> Failed:
    hint = "make room where the database keeps its files, then run the same command again: it goes on where this one stopped"
    return Failed("disk-full", f"there is no room left for the database: {facts.message}", where, hint)


def _line_in(error: BaseException, path: Path) -> str:
    """Return file:line of the innermost frame in a file, or below a folder that is not an installed package."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file == path or (path.is_dir() and path in file.parents and "site-packages" not in file.parts):
            return f"{_short(file, path)}:{frame.lineno}"
    return ""


def _short(file: Path, folder: Path) -> str:
    return str(file.relative_to(folder)) if folder in file.parents else file.name


def _sentence(error: BaseException) -> str:
    first = redact(str(error)).strip().splitlines()
    return f"{type(error).__name__}: {first[0]}" if first else type(error).__name__


def _shortened(statement: str) -> str:
    text = " ".join(redact(statement).split())
    return text if len(text) <= _LONGEST_STATEMENT else text[: _LONGEST_STATEMENT - 1] + "…"
