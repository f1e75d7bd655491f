"""
The gate. Two doors: `look()` gives a sight of a database and can write nothing; entering gives a `Permit`.

`Permit(` is written here and nowhere else, right after the guard said yes on the very session that will do the work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from lockgate.dialects.base import BareSession, Dialect
from lockgate.dialects.parts import Lock
from lockgate.errors import Busy, LockgateError, Refused, Unreachable
from lockgate.events import Notice, Notify
from lockgate.guard import Asked, decide
from lockgate.interruption import cancellable
from lockgate.permit import Author, Permit, Session
from lockgate.registry import ledger, marker
from lockgate.runs.driver_error import PATIENCE_S, told_by
from lockgate.runs.register import register, renew
from lockgate.runs.sight import see
from lockgate.runs.target import Target, asked_of, author_of, renewed, target_of
from lockgate.runs.turn import wait_for
from lockgate.settings.project import Project
from lockgate.words import SCRATCH, Identity, Request, Sight, Verb, Verdict, VersionTable

if TYPE_CHECKING:  # few runs have a plan
    from lockgate.runs.approved import Proof

Also = Callable[[BareSession, Target, Sight], None]

_one_run = threading.Lock()


def look(target: Target, also: Also | None = None) -> Sight:
    """
    Connect with lockgate's own driver, read-only, and look.

    Args:
        also: reads more of what was seen, before the connection is closed.
    Raises:
        Unreachable: the database cannot be reached or entered.
    """
    with opened(target) as session:
        seen = see(session, target.dialect, target.url.place)
        if also:
            also(session, target, seen)
        return seen


@contextmanager
def opened(target: Target, *, write: bool = False) -> Iterator[BareSession]:
    """
    Connect with lockgate's own driver; errors of the driver come out as ours.

    Args:
        write: False opens a session in which the server refuses every write, and waits for tables no longer than `PATIENCE_S`.
    """
    with _placed(target), target.dialect.open(target.url, target.environment.connect_timeout, write=write) as session:
        try:
            with cancellable(session.cancel):
                if not write:
                    target.dialect.bound_waiting(session, PATIENCE_S)
                yield session
        except Exception as error:
            if (told := told_by(error, target.dialect, session, target.where)) is None:
                raise
            raise told from error


@contextmanager
def _placed(target: Target) -> Iterator[None]:
    """Name the environment and its setting in errors that know the database's place at most."""
    try:
        yield
    except LockgateError as error:
        if error.where in ("", target.url.place):
            error.where = target.where
        raise


def sight(request: Request, project: Project) -> Sight:
    """Look at the database that the request is about; for the prompt that asks for a confirmation."""
    return find(request, project)[1]


def find(request: Request, project: Project, also: Also | None = None) -> tuple[Target, Sight]:
    """Resolve the request and look, see `look`; after a failed login the credentials are fetched once more."""
    target = target_of(request, project)
    try:
        return target, look(target, also)
    except Unreachable as error:
        fresh = renewed(request, project, error, target)
        return fresh, look(fresh, also)


def check_identity(request: Request, target: Target, seen: Sight) -> None:
    """Raise Refused `identity-mismatch` where a verb that only looks would speak of another environment's database."""
    if seen.identity is not None and seen.identity.environment != request.environment:
        what = f"this database says it is `{seen.identity.environment}`, you asked for `{request.environment}`"
        raise Refused("identity-mismatch", what, target.where, f"point `{request.environment}` at its own database")


def refusal(verdict: Verdict, asked: Asked, seen: Sight, where: str) -> Refused:
    """Turn a verdict into the error that the user reads."""
    at = f", at revision {', '.join(seen.heads)}" if seen.heads else ""
    # What env.py reached may be another database than the one that the settings name: that is what the gate is for.
    at = at if seen.place in where else f", reached {seen.place}{at}"
    if verdict.code == "unconfirmed":  # whoever confirms must know what it is
        at += f", {len(seen.tables)} table{'s' if len(seen.tables) != 1 else ''}, about {seen.rows} rows"
    return Refused(verdict.code, f"refused to {asked.called}: {verdict.reason}", f"{where}{at}", verdict.hint)


@contextmanager
def one_run_per_process() -> Iterator[None]:
    """
    Hold the process's own lock: `alembic.op` and `alembic.context` are process-wide, two runs would mix their databases.

    Raises:
        Busy: `busy-in-process`.
    """
    if not _one_run.acquire(blocking=False):
        what, hint = "another run is under way in this process", "run one after the other, or in processes of their own"
        raise Busy("busy-in-process", what, hint=hint)
    try:
        yield
    finally:
        _one_run.release()


class Gate:
    """
    One passage: from a request to a permit.

    Args:
        asked: what the guard looks at.
        author: called when something is about to be written: asking git costs as much as asking the database.
        where: the environment and its place in the settings, for errors; the database's own place is added.
        lock_wait: seconds to wait for lockgate's lock, >= 0.
        verb: what the ledger shall call it; the verb asked for where it is empty.
        proof: the approved plan that the run must be; None where none came with the call.
    """

    def __init__(
        self,
        asked: Asked,
        author: Callable[[], Author],
        notify: Notify,
        where: str,
        lock_wait: float,
        verb: str = "",
        proof: Proof | None = None,
    ) -> None:
        self.asked = asked
        self.verb = verb or asked.verb.value
        self._author = author
        self.notify = notify
        self.where = where
        self.lock_wait = lock_wait
        self.proof = proof
        self.waited_s = 0.0
        self.marked = False  # by this gate: what was seen before says "unmarked"
        self._lock: Lock | None = None

    @classmethod
    def of(cls, request: Request, project: Project, target: Target, notify: Notify, proof: Proof | None = None) -> Gate:
        """Make the gate of a request."""
        asked = asked_of(request, project, target.environment)
        if target.warning:
            notify(Notice(target.warning))
        return cls(asked, partial(author_of, request, project.folder), notify, target.where, target.environment.lock_wait, proof=proof)

    @cached_property
    def author(self) -> Author:
        """Who asks, for the ledger; one for the whole run."""
        return self._author()

    def check(self, seen: Sight) -> Verdict:
        """
        Ask the guard about a look; a plan is compared as far as a look can tell.

        Raises:
            Refused: with the guard's reason; `read-only` where the database cannot be written.
        """
        if self.proof is None:
            return self._decided(self.asked, seen)
        return self._decided(replace(self.asked, plan=self.proof.glance(seen), entering=False), seen)

    def _decided(self, asked: Asked, seen: Sight) -> Verdict:
        scratch = seen.identity is not None and seen.identity.environment == SCRATCH
        if not self.asked.environment and not scratch:
            hint = f"export {self.asked.variable}=ENVIRONMENT, or write `default_environment` in the settings"
            raise Refused("environment-unclear", "nobody said which environment this is meant for", self.where, hint)
        verdict = decide(asked, seen)
        if not verdict.allowed:
            raise refusal(verdict, asked, seen, self.where)
        if not seen.writable and self.asked.verb.acts:
            what = "this database can only be read (a standby, or a file without write permission)"
            raise Refused("read-only", what, self.where, "point the environment at the writable one")
        return verdict

    def check_marker(self, session: Session, dialect: Dialect) -> None:
        """Refuse a connection whose marker names another environment or project; for one that was just opened."""
        if not dialect.own_tables(session):
            return
        name = marker.name_of(session, dialect.features.registry_prefix)
        if name is None or name[0] == SCRATCH or name == (self.asked.environment, self.asked.project):
            return
        self.check(see(session, dialect, dialect.place(session)))

    def enter(self, session: Session, dialect: Dialect, version_table: VersionTable | None = None, *, lock: bool = True) -> Permit:
        """
        Lock, look again, decide again, mark where it is due.

        Args:
            session: the one that will do the work; outside a transaction.
            lock: False only for lockgate's own rows in the ledger, which need none.
        Raises:
            Refused, Busy: nothing changed; the lock is free again.
        """
        if lock:
            held = dialect.lock(session, f"lockgate {self.asked.verb.value} {self.asked.environment} by {self.author.operator}")
            self.waited_s = wait_for(held, self.lock_wait, self.where, self.notify)
            self._lock = held
        try:
            return self._admit(session, dialect, version_table)
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Let go of the lock."""
        lock, self._lock = self._lock, None
        if lock is not None:
            # Whatever is wrong with the connection: the server frees the lock when it ends, and the first error is the one to show.
            with suppress(Exception):
                lock.release()

    def _admit(self, session: Session, dialect: Dialect, version_table: VersionTable | None) -> Permit:
        seen = see(session, dialect, dialect.place(session), version_table)
        verdict = self.check(seen)
        if self.proof is not None:  # after the rest: the schema of a wrong database is not read
            verdict = self._decided(replace(self.asked, plan=self.proof.compare(session, dialect, seen)), seen)
        if self.asked.verb is not Verb.RECORD:  # the row about a refusal is all that a refused call changes
            seen = renew(session, dialect, seen)
        identity = seen.identity
        if verdict.adopt or (self.asked.verb is Verb.ADOPT and (identity is None or not identity.cluster.same(seen.cluster))):
            identity = self._mark(session, dialect, seen)
            for notice in verdict.notices:
                self.notify(Notice(notice))
        if identity is None:
            raise Refused(
                "unmarked", "this database does not say which environment it is", self.where, f"lockgate adopt {self.asked.environment}"
            )
        table = version_table or seen.version_table or VersionTable()
        permit = Permit(session, self.verb, self.asked.environment, seen, identity, self.author, table, dialect.features.spelling)
        if identity is not seen.identity:
            ledger.append(permit, dialect.features.registry_prefix, ledger.Event("adopted"))
            self.marked = True
        session.commit()
        return permit

    def _mark(self, session: Session, dialect: Dialect, seen: Sight) -> Identity:
        register(session, dialect, seen.registry_version)
        # Asked again: SQLite's file has an inode only now, when something was written.
        cluster = dialect.cluster(session)
        asked = self.asked
        marker_id = marker.write(session, dialect.features.registry_prefix, asked.environment, asked.project, cluster, self.author.operator)
        return Identity(asked.environment, asked.project, marker_id, cluster)


@contextmanager
def entered(gate: Gate, target: Target, *, lock: bool = True) -> Iterator[Permit]:
    """
    Enter on a connection of lockgate's own driver, for work that env.py has no part in.

    What the block wrote is committed by the block; anything open at its end is undone.
    """
    with opened(target, write=True) as session:
        try:
            yield gate.enter(session, target.dialect, lock=lock)
        finally:
            session.rollback()
            gate.leave()
