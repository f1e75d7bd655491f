"""
Who owns the databases of one test session: their names, the server they are on, and the pools.

Every database carries the name of its session, and the session holds a lock of that name while it lives. So a later session can
tell what a killed one left behind, also on a server that several machines use, and leaves the living alone. Locks are seen only by
those who entered the server by the same database, so its name is part of the session's.
"""

from __future__ import annotations

import itertools
import platform
import threading
import uuid
from hashlib import sha256
from typing import Protocol

from lockgate.dialects.clones import Clones
from lockgate.runs.pool import Pool
from lockgate.runs.scratch_database import drop_orphan
from lockgate.runs.scratch_server import ScratchServer
from lockgate.settings.project import Project
from lockgate.words import SCRATCH

_KEPT = "kept"


class Host(Protocol):
    """Where databases come from and go back to, in this process or in the one that owns them."""

    server: ScratchServer
    spared: tuple[str, ...]  # kept by an earlier session and not dropped now, because somebody is connected

    def new_name(self) -> str:
        """A name for one more scratch database of this session."""

    def take(self, template: str) -> str:
        """Return the name of a copy of a template."""

    def give(self, name: str, *, drop: bool = False) -> None:
        """Give a copy back."""

    def keep(self, name: str) -> None:
        """Let a copy stay after the session, under its `kept_name`."""

    def close(self) -> None:
        """Drop everything that this session made, but for templates and what is kept."""


class LocalHost:
    """
    A host in this process.

    Args:
        spare: see `Pool`.
        recycles: see `Pool`.
        keeps: copies may be kept; those that an earlier session kept are dropped now, unless somebody is looking at one.
    """

    def __init__(
        self, server: ScratchServer, project: Project, spare: int = 1, *, recycles: bool = True, keeps: bool = False
    ) -> None:
        self.server = server
        self.spared: tuple[str, ...] = ()
        self._spare = spare
        self._recycles = recycles
        self._numbers = itertools.count(1)
        self._pools: dict[str, Pool] = {}
        self._homes: dict[str, str] = {}
        self._out = 0
        self._lock = threading.Lock()
        self._clones = server.dialect.clones(server.url, 10.0)
        self._run = uuid.uuid4().hex[:8]
        self._clones.hold(f"run_{self._run}")
        self._project = project
        sweep(project, self._clones)
        if keeps:
            kept = self._clones.names(_kept_family(self._clones, project))
            self.spared = tuple(name for name in kept if self._clones.in_use(name))
            for name in set(kept) - set(self.spared):
                self._clones.drop(name)
        # What another session's tests have made by now is not how the server should be left.
        self._commons = self._clones.commons() if server.ours and self._alone() else ""

    def new_name(self) -> str:
        return f"{self._clones.family(SCRATCH)}{self._run}_{next(self._numbers)}"

    def take(self, template: str) -> str:
        with self._lock:
            self._out += 1
            if self.server.dialect.features.shares_server and template not in self._pools:
                self._pools[template] = Pool(self.server, template, self.new_name, self._spare, recycles=self._recycles)
            pool = self._pools.get(template)
        try:
            name = pool.take() if pool else self._copy(template)
        except BaseException:
            self._out -= 1
            raise
        self._homes[name] = template
        return name

    def give(self, name: str, *, drop: bool = False) -> None:
        pool = self._pools.get(self._homes.pop(name, ""))
        with self._lock:
            self._out -= 1
            if pool:
                self._set_back(pool, name)
                pool.give(name, drop=drop)
            else:
                self._clones.drop(name)

    def _set_back(self, pool: Pool, name: str) -> None:
        """
        Set back what all databases share, when no test is left that a change may belong to.

        Used databases are dropped before: a role that a test made owns what it made there.
        """
        if not self._commons or self._out or self._clones.commons() == self._commons or not self._alone():
            return
        pool.clear(self._clones, name)
        for other in self._pools.values():
            other.clear(self._clones)
        try:
            self._clones.restore_commons(self._commons)
        finally:
            self._commons = self._clones.commons()

    def _alone(self) -> bool:
        """Whether no other session has databases here."""
        family = self._clones.family(SCRATCH)
        return all(name.startswith(f"{family}{self._run}_") for name in self._clones.names(family))

    def keep(self, name: str) -> None:
        pool = self._pools.get(self._homes.pop(name, ""))
        if pool:
            pool.release(name)
        with self._lock:
            self._out -= 1
            self._clones.rename(name, kept_name(self._clones, self._project, name))

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        for name in self._clones.names(f"{self._clones.family(SCRATCH)}{self._run}_"):
            self._clones.drop(name)
        self._clones.let_go(f"run_{self._run}", forever=True)
        self._clones.close()

    def _copy(self, template: str) -> str:
        name = self.new_name()
        with self._lock:
            self._clones.clone(template, name)
        return name


def sweep(project: Project, clones: Clones) -> None:
    """Drop what killed sessions left: databases named as ours, whose session is dead; see `drop_orphan`."""
    family = clones.family(SCRATCH)
    for run, names in itertools.groupby(clones.names(family), lambda name: name.removeprefix(family).partition("_")[0]):
        if clones.hold(f"run_{run}"):
            for name in names:
                drop_orphan(project, clones, name)
            clones.let_go(f"run_{run}", forever=True)


def kept_name(clones: Clones, project: Project, name: str) -> str:
    """Return the name of a copy when it is kept."""
    return _kept_family(clones, project) + name.removeprefix(clones.family(SCRATCH))


def _kept_family(clones: Clones, project: Project) -> str:
    """What one person keeps on a server of many must not go when another one's tests begin."""
    place = sha256(f"{platform.node()}:{project.folder}".encode()).hexdigest()[:8]
    return f"{clones.family(_KEPT)}{place}_"
