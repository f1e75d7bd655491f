"""Base tables that the history does not make: a dump or a Python function, on an empty database, in one transaction with its stamp."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from lockgate.alembic_seam.crew import Limits
from lockgate.alembic_seam.handed import engine_connection, stamp_within
from lockgate.alembic_seam.journaled import Watch, journaled
from lockgate.alembic_seam.run import Errand, Surveyed
from lockgate.dialects.alchemy import AlchemySession
from lockgate.dialects.base import Dialect
from lockgate.dialects.parts import Patience
from lockgate.errors import Busy, Failed, LockgateError, UsageError
from lockgate.events import Notice, Notify
from lockgate.files import read_text
from lockgate.interruption import cancellable
from lockgate.permit import Permit
from lockgate.registry import journal, ledger
from lockgate.runs.arrival import Arrival
from lockgate.runs.scribe import Scribe
from lockgate.runs.through import BetweenPasses
from lockgate.secret import redact
from lockgate.settings.project import Bootstrap, Project
from lockgate.words import Sight, Step

_STEP = "bootstrap"  # what the journal calls it


def bootstrapped(arrival: Arrival, notify: Notify) -> BetweenPasses | None:
    """Return what is to happen between the passes of env.py; None where there is no bootstrap or the database is not empty."""
    settings = arrival.project.bootstrap
    if settings is None or not (arrival.sight.empty or _half_done(arrival.sight)):
        return None

    def between(task: Errand, surveyed: Surveyed) -> str:
        if not _run(arrival, settings, task, surveyed, notify):
            return ""
        done = f"bootstrapped from {settings.file or settings.python}, stamped `{settings.stamp}`"
        notify(Notice(done))
        return done

    return between


def _run(arrival: Arrival, settings: Bootstrap, task: Errand, surveyed: Surveyed, notify: Notify) -> bool:
    dialect, url = arrival.target.dialect, arrival.target.url
    if task.script.get_revision(settings.stamp) is None:
        raise UsageError(
            "revision-not-found",
            f"`stamp` names revision `{settings.stamp}`, which there is not",
            settings.where,
            "name the revision that the base tables stand for",
        )
    with engine_connection(dialect.bootstrap_url(url)) as connection:
        environment = arrival.target.environment
        patience = Patience(environment.lock_wait, lambda text: notify(Notice(text)))
        dialect.prepare(connection, environment.lock_timeout, None, patience)
        try:
            permit = arrival.gate.enter(AlchemySession(connection), dialect, surveyed.version_table)
            # Under the lock again: a rival may have been faster.
            if not (permit.sight.empty or _half_done(permit.sight)):
                return False
            stop = partial(dialect.cancel, connection.connection.driver_connection, arrival.target.url)
            with _written_down(arrival, settings, permit, connection, notify), cancellable(stop):
                _fill(arrival.project, settings, permit, connection, dialect)
                stamp_within(connection, task.script, surveyed.version_table, settings.stamp)
            if dialect.features.journal:
                journal.forget_all(permit, dialect.features.registry_prefix)
            event = ledger.Event("bootstrapped", settings.stamp, (), (settings.stamp,))
            ledger.append(permit, dialect.features.registry_prefix, event, dialect.ledger_guard())
            connection.commit()
            return True
        finally:
            connection.rollback()
            arrival.gate.leave()


def _half_done(seen: Sight) -> bool:
    return seen.half_applied is not None and seen.half_applied.direction == _STEP


@contextmanager
def _written_down(arrival: Arrival, settings: Bootstrap, permit: Permit, connection: Any, notify: Notify) -> Iterator[None]:
    """Journal the statements of the block, where the database cannot undo them."""
    dialect, environment = arrival.target.dialect, arrival.target.environment
    if not dialect.features.journal:
        yield
        return
    scribe = Scribe(notify, Limits(environment.lock_timeout, environment.lock_wait, environment.statement_timeout))
    scribe.permit, scribe.dialect = permit, dialect
    scribe.open_journal()
    try:
        with journaled(Watch(connection, dialect, scribe, Step(_STEP, settings.stamp), permit.sight.place)):
            yield
    except LockgateError as error:
        ran = scribe.ran("the bootstrap")
        error.changed = ran or error.changed
        if ran:
            error.hint = "mend what failed, or what follows it, then run the command again: it goes on after the last statement that was done"
        raise


def _fill(project: Project, settings: Bootstrap, permit: Permit, connection: Any, dialect: Dialect) -> None:
    connection.rollback()
    transaction = connection.begin()
    try:
        if settings.file:
            text = read_text(project.folder / settings.file, "bootstrap-failed")
            dialect.run_script(permit, connection, text)
        else:
            _function(project, settings)(connection)
    except Exception as error:
        raise _told(error, settings, dialect) from error
    if not transaction.is_active:
        what = "the bootstrap function committed by itself: tables and stamp must be one transaction"
        raise Failed(
            "bootstrap-failed", what, settings.python, "let it use the connection it gets, without commit", "what the function made"
        )


def _told(error: Exception, settings: Bootstrap, dialect: Dialect) -> LockgateError:
    """Return what stopped the bootstrap as an error of ours: mending the script helps, or waiting does."""
    first = (redact(str(error)).strip().splitlines() or [""])[0]
    where = settings.file or settings.python
    facts = dialect.facts(getattr(error, "orig", None) or error.__cause__ or error)
    if facts is not None and facts.kind == "lock-timeout":
        hint = "find the long transaction (pg_stat_activity, oldest xact_start), then run the command again"
        return Busy("lock-timeout", f"the bootstrap could not get a lock in time: {first}", where, hint)
    if isinstance(error, LockgateError):
        error.where = error.where or where
        return error
    hint = "mend it; the database is as it was before"
    return Failed("bootstrap-failed", f"the bootstrap failed: {type(error).__name__}: {first}", where, hint)


def _function(project: Project, settings: Bootstrap) -> Any:
    module, _, name = settings.python.partition(":")
    for folder in (project.folder / "src", project.folder):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            "settings-invalid", f"`{settings.python}` cannot be imported: {error}", settings.where, 'write `python = "module:function"`'
        ) from error
