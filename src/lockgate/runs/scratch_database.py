"""
A scratch database from its making to its end: empty and marked, brought to a revision, seeded, dropped.

Whatever env.py does, only a database marked `scratch` lets it through: the environment that asks is locked, so an unmarked
database is refused even where it is empty.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

from lockgate.dialects.base import Dialect
from lockgate.dialects.clones import Clones
from lockgate.dialects.connect import dialect_named
from lockgate.drift.snapshot import Snapshot
from lockgate.errors import Failed, LockgateError
from lockgate.events import Event, Notify
from lockgate.guard import Asked
from lockgate.outcome import Outcome
from lockgate.permit import Permit
from lockgate.runs import seed as _seed
from lockgate.runs import upgrade as _upgrade
from lockgate.runs.gate import Gate, entered, look
from lockgate.runs.operator import operator
from lockgate.runs.snapshots import snapshot_of
from lockgate.runs.target import Target, author_of
from lockgate.secret import DatabaseUrl
from lockgate.seeds.outcome import SeedOutcome
from lockgate.settings.project import Environment, EnvironmentVariable, Project, Smoke, UrlSource
from lockgate.words import SCRATCH, Protection, Request, Sight, Verb


@dataclass(frozen=True)
class ScratchDatabase:
    """
    A database marked `scratch`, and the project as it is brought there.

    Args:
        project: with `scratch` as its only environment.
        url: with a driver for env.py.
    """

    project: Project
    url: DatabaseUrl

    @property
    def dialect(self) -> Dialect:
        """How to talk to it."""
        return dialect_named(self.url.backend)

    @property
    def target(self) -> Target:
        """For looks and for `runs.gate.opened`."""
        return Target(self.project.environments[SCRATCH], self.url, self.dialect)

    def look(self) -> Sight:
        """Look at it."""
        return look(self.target)

    def upgrade(self, to: str = "head", from_schema: str | None = None, notify: Notify | None = None) -> Outcome:
        """
        Run the project's revisions, after its bootstrap where it has one.

        Args:
            to: in Alembic's notation; `heads` where there are several.
            from_schema: see `Request`.
            notify: hears of the run; nobody where it is None.
        Raises:
            Failed: `env-failed` where env.py worked on another database; and as `upgrade`.
        """
        outcome = _upgrade.upgrade(replace(self.request(Verb.UPGRADE, to), from_schema=from_schema), self.project, notify or _quiet)
        if outcome.code:
            hint = "env.py must take its URL from `sqlalchemy.url` or from a variable that the environment's `export` names"
            raise Failed("env-failed", "the scratch database did not get the revisions: env.py works on another one", self.url.place, hint)
        return outcome

    def downgrade(self, to: str, notify: Notify | None = None) -> Outcome:
        """Run the project's revisions backwards; raises as `downgrade`."""
        from lockgate.runs import downgrade as _downgrade  # here: it imports Alembic, and a plan makes a scratch database without it

        return _downgrade.downgrade(self.request(Verb.DOWNGRADE, to), self.project, notify or _quiet)

    def stamp(self, revision: str) -> None:
        """Say that it is at a revision; raises as `stamp`."""
        from lockgate.runs import stamp as _stamp  # here: as for `downgrade`

        _stamp.stamp(self.request(Verb.STAMP, revision), self.project, _quiet)

    def seed(self, *names: str, again: bool = False) -> SeedOutcome:
        """
        Load seeds of the project, whatever environments they are meant for; all where none is named.

        Args:
            again: see `SeedOptions`.
        """
        return _seed.seed(self.request(Verb.SEED), self.project, _quiet, _seed.SeedOptions(names, again=again), lambda loading: None)

    def snapshot(self) -> Snapshot:
        """Read its schema."""
        return snapshot_of(self.target, self.look())

    @contextmanager
    def writing(self) -> Iterator[Permit]:
        """Pass the gate with lockgate's own driver; what the block wrote is committed by the block."""
        with entered(Gate.of(self.request(Verb.SEED), self.project, self.target, _quiet), self.target) as permit:
            yield permit

    def request(self, verb: Verb, to: str = "") -> Request:
        """Make the request of a verb on this database."""
        # No variables: none of them is asked where a database is marked `scratch`.
        return Request(verb, SCRATCH, to, database_url=self.url.render().reveal(), environ={}, operator=operator())


def scratch_of(project: Project, clones: Clones, name: str, like: Environment | None = None) -> ScratchDatabase:
    """
    Describe a scratch database that exists already, or is about to be made.

    Args:
        like: the environment whose driver, options and exported variables env.py is used to; None for the project's default.
    """
    like = like or default_environment(project)
    return described(project, url_of(clones, name, like), like)


def described(project: Project, url: DatabaseUrl, like: Environment) -> ScratchDatabase:
    """Describe a scratch database by its URL; see `scratch_of`."""
    environment = replace(like, name=SCRATCH, url=UrlSource("url"), protection=Protection.LOCKED, where="a scratch database")
    seeds = tuple(replace(seed, environments=(SCRATCH,)) for seed in project.seeds)
    as_scratch = replace(
        project,
        environments={SCRATCH: environment},
        default_environment=SCRATCH,
        variable=EnvironmentVariable(),
        smoke=Smoke(),
        seeds=seeds,
    )
    return ScratchDatabase(as_scratch, url)


def url_of(clones: Clones, name: str, like: Environment) -> DatabaseUrl:
    """Return the URL of a scratch database, with the driver that env.py is used to, or else lockgate's own."""
    url = clones.url(name)
    return url.with_driver(like.driver).with_driver(dialect_named(url.backend).features.own_driver)


def make(project: Project, clones: Clones, name: str, like: Environment | None = None) -> ScratchDatabase:
    """
    Make an empty database and mark it.

    Args:
        name: of one of our own databases, see `Clones.family`.
    Raises:
        Failed: `permission-denied`, `database-error`.
    """
    clones.create(name)
    made = scratch_of(project, clones, name, like)
    target = made.target
    request = made.request(Verb.UPGRADE)
    asked = Asked(Verb.UPGRADE, SCRATCH, project.name, Protection.OPEN)  # open for this moment: it is empty, and just made here
    with entered(Gate(asked, partial(author_of, request, project.folder), _quiet, target.where, 0.0), target):
        return made


@contextmanager
def scratch_database(project: Project, clones: Clones, name: str, like: Environment | None = None) -> Iterator[ScratchDatabase]:
    """Make a scratch database for the block, see `make`; it is dropped at the block's end."""
    try:
        yield make(project, clones, name, like)
    finally:
        clones.drop(name)


@contextmanager
def held(project: Project, clones: Clones, kind: str) -> Iterator[str]:
    """Name a database of a kind and hold its lock as long as it lives; drop those of runs that were killed: nobody holds theirs any more."""
    family = clones.family(kind)
    name = f"{family}{uuid.uuid4().hex[:12]}"
    for left in clones.names(family):
        if clones.hold(left):
            drop_orphan(project, clones, left)
            clones.let_go(left)
    clones.hold(name)
    yield name


def drop_orphan(project: Project, clones: Clones, name: str) -> None:
    """
    Drop a database whose owner is dead, if it is marked `scratch` or empty still.

    One that this role may not enter or drop stays: it is another role's, and in nobody's way.
    """
    with suppress(LockgateError):
        seen = scratch_of(project, clones, name).look()
        if seen.identity.environment == SCRATCH if seen.identity else seen.empty:
            clones.drop(name)


def default_environment(project: Project) -> Environment:
    """The environment that the settings call the default one, or the first."""
    return project.environments.get(project.default_environment) or next(iter(project.environments.values()))


def _quiet(event: Event) -> None:
    """A scratch database tells no story."""
