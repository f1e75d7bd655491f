"""A project, databases for it, and what an undisturbed run makes of one: the measure of every trial."""

from __future__ import annotations

import itertools
import os
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from building import Database, Tiny
from faults.boundaries import Boundary
from faults.children import command_line, fork
from faults.servers import Disk, Postgres
from maria import Maria

import lockgate
from lockgate.drift.snapshot import read_json
from lockgate.events import Applied, Event
from lockgate.secret import DatabaseUrl

Heads = tuple[str, ...]
_numbers = itertools.count(1)
_MEASURED = 3  # undisturbed runs; the quickest one counts


@dataclass(frozen=True)
class State:
    """The schema of a database, as `lockgate drift` sees it, and all rows of the project's tables."""

    schema: str
    rows: tuple[tuple[Any, ...], ...]


@dataclass
class Stock:
    """Makes and drops databases of one product."""

    make: Callable[[], DatabaseUrl]
    drop: Callable[[DatabaseUrl], object]


@dataclass
class Arena:
    """Where trials of one project take place."""

    project: Tiny
    stock: Stock
    _expected: dict[Heads, State] = field(default_factory=dict)
    _duration: float = 0.0
    _needs: int = 0
    _statements: int = 0

    @property
    def revisions(self) -> list[str]:
        """All of them, oldest first."""
        names = [path.stem for path in (self.project.folder / "migrations" / "versions").glob("r*.py")]
        return sorted(names, key=number_of)

    @property
    def head(self) -> Heads:
        """Where a run is to end."""
        return (self.revisions[-1],)

    @property
    def expected(self) -> dict[Heads, State]:
        """What belongs to each revision; learnt from a run that nobody disturbs."""
        if not self._expected:
            self._learn()
        return self._expected

    @property
    def duration(self) -> float:
        """Seconds that an undisturbed run takes on this machine."""
        if not self._duration:
            self._duration = min(self._measure() for _ in range(_MEASURED))
        return self._duration

    def needs(self, disk: Disk) -> int:
        """Bytes that an undisturbed run takes of a disk."""
        if not self._needs:
            url, before = self.stock.make(), disk.used()
            self.undisturbed(url)
            self._needs = disk.used() - before
            self.stock.drop(url)
        return self._needs

    def undisturbed(self, url: DatabaseUrl, boundary: Boundary | None = None) -> None:
        """Run to the head; `boundary` counts statements."""
        self.project.point("dev", url)
        child = command_line(self.project, "upgrade", "dev", log="undisturbed", before=boundary.arm if boundary else None)
        assert child.wait() == 0, child.said

    @property
    def statements(self) -> int:
        """How many statements an undisturbed run has."""
        if not self._statements:
            url, boundary = self.stock.make(), Boundary()
            self.undisturbed(url, boundary)
            self._statements = boundary.count
            self.stock.drop(url)
        return self._statements

    def look(self, url: DatabaseUrl, environment: str = "dev") -> tuple[Heads, State]:
        """Read a database, which is that of an environment: its heads, and its state."""
        database = Database(url)
        if not database.exists():
            return (), State("", ())
        file = self.project.folder / "seen.json"
        lockgate.find_drift(lockgate.load_project(self.project.folder), environment, save=str(file), environ=self.project.environ)
        seen = read_json(file.read_text(encoding="utf-8"))
        return seen.heads, State(seen.digest if list(seen.items()) else "", _rows(database))

    def _learn(self) -> None:
        url, file = self.stock.make(), self.project.folder / "expected"
        self.project.point("dev", url)

        def work() -> int:
            os.environ.update(self.project.environ)
            states = dict([self.look(url)])

            def told(event: Event) -> None:
                if isinstance(event, Applied):
                    states.update([self.look(url)])

            lockgate.upgrade(lockgate.load_project(self.project.folder), "dev", notify=told)
            file.write_bytes(pickle.dumps(states))
            return 0

        child = fork(work, self.project.folder / "learn", self.project.folder)
        assert child.wait() == 0, child.said
        self._expected = pickle.loads(file.read_bytes())
        assert len(self._expected) == len(self.revisions) + 1, "the states of some revisions are not known"
        self.stock.drop(url)

    def _measure(self) -> float:
        url = self.stock.make()
        began = time.monotonic()
        self.undisturbed(url)
        taken = time.monotonic() - began
        self.stock.drop(url)
        return taken


def number_of(revision: str) -> int:
    """`r7` is the seventh behind `r0`."""
    return int(revision[1:])


def _rows(database: Database) -> tuple[tuple[Any, ...], ...]:
    tables = database.user_tables()
    if not tables:
        return ()
    return tuple(sorted(database.query(" union all ".join(f"select '{table}', id, name from {table}" for table in tables)), key=repr))


def on_postgres(server: Postgres, tablespace: str = "") -> Stock:
    """
    Databases of a server.

    Args:
        tablespace: that all tables go to.
    """

    def make() -> DatabaseUrl:
        name = f"trial_{next(_numbers)}"
        server.run(f"create database {name}")
        if tablespace:
            server.run(f"alter database {name} set default_tablespace = {tablespace}")
        return server.url(name)

    return Stock(make, lambda url: server.run(f"drop database {url.database} with (force)"))


def on_sqlite(folder: Path, *, journal: str = "") -> Stock:
    """
    Files in a folder.

    Args:
        journal: the file is there before the first run, in this mode.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def make() -> DatabaseUrl:
        url = DatabaseUrl("sqlite", database=str(folder / f"trial_{next(_numbers)}.db"))
        if journal:
            Database(url).query(f"pragma journal_mode = {journal}")
        return url

    def drop(url: DatabaseUrl) -> None:
        for path in folder.glob(f"*{Path(url.database).name}*"):
            path.unlink(missing_ok=True)

    return Stock(make, drop)


def on_mariadb(server: Maria) -> Stock:
    """Databases of a server."""

    def make() -> DatabaseUrl:
        name = f"trial_{next(_numbers)}"
        server.run(f"create database {name}")
        return server.url(name)

    return Stock(make, lambda url: server.drop(url.database))
