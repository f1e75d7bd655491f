"""The steps of one run on the working connection: one transaction each, with its ledger row, tried again after a lock timeout."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from lockgate.alembic_seam.apart import Apart
from lockgate.alembic_seam.crew import Crew, Done
from lockgate.alembic_seam.journaled import Watch, journaled
from lockgate.alembic_seam.version_row import ROOM, can_be_held
from lockgate.dialects.alchemy import AlchemySession
from lockgate.dialects.base import Dialect
from lockgate.errors import Busy, Failed
from lockgate.permit import Permit
from lockgate.words import Step, VersionChange

_SAVEPOINT = "lockgate_step"
_LEAVES = b"autocommit_block"


class Work:
    """
    Tells Alembic which steps to run, and watches each of them.

    Args:
        connection: the permit's; outside a transaction.
        steps_of: Alembic's own `fn(heads, context)`.
    """

    def __init__(self, connection: Connection, dialect: Dialect, permit: Permit, crew: Crew, steps_of: Callable[[Any, Any], Any]) -> None:
        self._connection = connection
        self._dialect = dialect
        self._permit = permit
        self._crew = crew
        self._steps_of = steps_of
        self._story: Any = None
        self._step = Step("upgrade", "")
        self._before: tuple[str, ...] = permit.sight.heads
        self._heads = self._before
        self._began = 0.0
        self._left_transaction = False
        self._transaction = ""
        self._context: Any = None  # Alembic's, of this run
        self._alone = True  # nobody else is told when a version row was written
        self._inside = False  # the revision's own function, which may write version rows by itself
        self._change: VersionChange | None = None
        self._may_hold: bool | None = None  # asked once

    def options(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return env.py's options for `configure` with what the run insists on: a transaction a revision, our callback last."""
        theirs = options.get("on_version_apply") or ()
        callbacks = tuple(theirs) if isinstance(theirs, (tuple, list, set)) else (theirs,)
        self._alone = not callbacks
        forced: dict[str, Any] = {"transaction_per_migration": True, "on_version_apply": (*callbacks, self._applied)}
        if self._dialect.features.transactional_ddl is not None:
            forced["transactional_ddl"] = self._dialect.features.transactional_ddl
        return {**options, **forced}

    def attach(self, context: Any) -> None:
        """Watch the migration context's autocommit blocks."""
        self._context, original = context, context.autocommit_block

        @contextmanager
        def autocommit_block() -> Iterator[None]:
            first: BaseException | None = None
            # In the transaction that the block commits: a row of the ledger and the ledger's head are two statements.
            self._crew.left_transaction(self._step, self._before)
            self._left_transaction = True
            try:
                with original(), self._dialect.without_lock_timeout(context.connection):
                    try:
                        yield
                    except BaseException as error:
                        first = error
                        raise
            except BaseException as last:
                if first is None or last is first:
                    raise
                raise first  # noqa: B904  # leaving the block commits on a connection that may be gone: the error to show is the first one

        context.autocommit_block = autocommit_block

    def hold(self, context: Any, change: VersionChange) -> bool:
        """Take over what Alembic was about to write into its version table; see `held_back`."""
        ours = context is self._context and self._alone and not self._inside and self._change is None
        if not ours or not self._permit.spelling.digest or len(change.new) > ROOM:
            return False
        if self._may_hold is None:
            self._may_hold = can_be_held(self._permit, change)
        if self._may_hold:
            self._change = change
        return self._may_hold

    def tell(self, heads: Any, context: Any) -> Iterator[Any]:
        """Hand Alembic the steps one by one; a step is over when Alembic asks for the next one, after its commit."""
        self._story = self._each(heads, context)
        return iter(self._story)

    def close(self) -> None:
        """End the story where it stands, so that the care around an open step is taken back."""
        if self._story is not None:
            self._story.close()

    def let_go(self) -> None:
        """
        Take the connection out of its pool: its limits and its mode are a migration's, and would be the application's there.

        Not earlier: SQLAlchemy changes the isolation level, as an autocommit block does, only on a connection of the pool.
        """
        if not self._connection.closed and not self._connection.invalidated:
            self._connection.detach()

    def _each(self, heads: Any, context: Any) -> Iterator[Any]:
        self._heads = tuple(sorted(heads))  # none after `stamp --purge`, whatever the database had
        steps = list(self._steps_of(heads, context))
        # Alembic may have created its version table in this transaction, and has read from it.
        self._connection.commit()
        self._crew.planned([word_of(step) for step in steps])
        for step in steps:
            self._step, self._left_transaction, self._transaction, self._change = word_of(step), False, "", None
            apart = self._may_leave(step)
            if apart:
                self._crew.open_journal()
            self._crew.started(self._step)
            self._began = time.monotonic()
            if not step.info.is_stamp:
                step.migration_fn = self._cared_for(step.migration_fn, apart)
            with self._dialect.around_step(self._connection):
                yield step
                self._refuse_open_transaction()
            self._crew.committed(self._step, self._elapsed_ms())
        # Not the connection that did the work: what counts is what everybody else sees.
        with self._connection.engine.connect() as fresh:
            self._crew.finished(self._heads, AlchemySession(fresh))

    def _may_leave(self, step: Any) -> bool:
        """Whether a revision that could be rolled back has an autocommit block, or an earlier run broke off in one."""
        if step.info.is_stamp or self._dialect.features.journal:
            return False
        half = self._permit.sight.half_applied
        with suppress(OSError, AttributeError):  # a module without a file, handed over by a program
            if _LEAVES in step.revision.module.__loader__.get_data(step.revision.path):
                return True
        return half is not None and half.revision == self._step.revision

    def _cared_for(self, migration: Callable[..., None], apart: bool) -> Callable[..., None]:
        features = self._dialect.features
        if features.journal:
            return self._opened(self._journaled(migration, Watch))
        if apart:
            migration = self._journaled(migration, Apart)
        return self._opened(self._patient(migration) if features.lock_timeout else migration)

    def _opened(self, migration: Callable[..., None]) -> Callable[..., None]:
        """Look at the lock inside the revision's own transaction, before its first statement."""

        @wraps(migration)  # Alembic logs the function's name as the direction
        def migrate(**kw: Any) -> None:
            self._transaction, held = self._dialect.open_step(self._connection, _SAVEPOINT)
            if not held:
                raise self._crew.lock_lost()
            self._inside = True
            try:
                migration(**kw)
            finally:
                self._inside = False

        return migrate

    def _journaled(self, migration: Callable[..., None], kind: type[Watch]) -> Callable[..., None]:
        @wraps(migration)  # Alembic logs the function's name as the direction
        def migrate(**kw: Any) -> None:
            watch = kind(self._connection, self._dialect, self._crew, self._step, self._permit.sight.place)
            with journaled(watch):
                migration(**kw)

        return migrate

    def _refuse_open_transaction(self) -> None:
        """Alembic commits the transaction that it began; one that is open after that began when the revision had ended Alembic's."""
        if self._connection.in_transaction():
            self._connection.rollback()
            what = f"revision `{self._step.revision}` ended its transaction by hand: what followed, its version row too, was not committed"
            hint = "take `commit()` or `rollback()` out of the revision; for statements outside of a transaction use `autocommit_block()`"
            raise Failed("not-at-target", what, self._permit.sight.place, hint)

    def _applied(self, *, ctx: Any, step: Any, heads: Any, run_args: Any) -> None:
        after = tuple(sorted(heads))
        self._dialect.before_commit(self._connection)
        try:
            self._crew.record(Done(self._step, self._before, after, self._elapsed_ms(), self._transaction, self._change))
        except Failed:
            self._refuse_rolled_back()
            raise
        self._before = self._heads = after

    def _refuse_rolled_back(self) -> None:
        """A ROLLBACK in SQL goes past SQLAlchemy: the version row would claim what is not there any more."""
        if self._transaction and self._dialect.was_rolled_back(AlchemySession(self._connection), self._transaction):
            what = f"revision `{self._step.revision}` rolled its own transaction back: what it did before that is gone"
            hint = "take the ROLLBACK out of the revision; nothing of this one was kept"
            raise Failed("not-at-target", what, f"revision `{self._step.revision}`, {self._permit.sight.place}", hint)

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)

    def _patient(self, migration: Callable[..., None]) -> Callable[..., None]:
        """
        Wrap a revision's function: back to its beginning after a lock timeout, many short tries instead of one long queue.

        The savepoint is the one that the dialect set when it opened the step. It stays when it was gone back to, and is never released:
        a revision that commits by hand has ended it already, and COMMIT ends it anyway.
        """

        @wraps(migration)  # Alembic logs the function's name as the direction
        def migrate(**kw: Any) -> None:
            give_up = time.monotonic() + self._crew.limits.lock_wait
            for attempt, delay in enumerate(self._dialect.retry_delays(), 1):
                try:
                    migration(**kw)
                    return
                except DBAPIError as error:
                    reason = self._back_to_savepoint(error, give_up)
                pause = delay * random.uniform(0.5, 1.5)
                self._crew.retrying(self._step, attempt, pause, reason)
                time.sleep(pause)

        return migrate

    def _back_to_savepoint(self, error: DBAPIError, give_up: float) -> str:
        facts = self._dialect.facts(error.orig) if error.orig else None
        if facts is None or facts.kind != "lock-timeout" or self._left_transaction:
            raise error
        if time.monotonic() > give_up:
            what = f"revision `{self._step.revision}` could not get a table's lock within {self._crew.limits.lock_wait:g} s"
            hint = "find the long transaction (pg_stat_activity, oldest xact_start) or raise `lock_wait`; then run the command again"
            raise Busy("lock-timeout", what, self._permit.sight.place, hint) from error
        try:
            self._connection.exec_driver_sql(f"rollback to savepoint {_SAVEPOINT}")
        except DBAPIError:
            raise error from None  # the revision committed by hand: its beginning cannot be reached any more
        return facts.message


def word_of(step: Any) -> Step:
    """Alembic's step in our words."""
    info = step.info
    if info.is_stamp:
        target = info.up_revision_id if info.is_upgrade else " ".join(info.destination_revision_ids) or "base"
        return Step("stamp", target or "base")
    script = info.up_revision
    return Step("upgrade" if info.is_upgrade else "downgrade", script.revision, (script.doc or "").split("\n")[0], script.path)
