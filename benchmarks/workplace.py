"""Where a measurement works: a folder, a server, places for contenders, and somebody who hears how far it is."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from benchmarks.figures import Section, Series
from benchmarks.histories import Change
from benchmarks.measure import Failed, Job, in_turn
from benchmarks.tools import Place, Tool

from lockgate.scratch import Server, temporary_server
from lockgate.secret import DatabaseUrl


@dataclass(frozen=True)
class Wish:
    """
    What was asked for on the command line.

    Args:
        rounds: how often everything is timed; 0 for what each measurement thinks right.
        quick: tiny sizes, one round: whether it works, not how fast.
    """

    rounds: int = 0
    quick: bool = False

    def rounds_or(self, usual: int) -> int:
        """Return the number of rounds of a measurement that usually takes this many."""
        return self.rounds or (1 if self.quick else usual)

    def sizes(self, usual: Sequence[int], quick: Sequence[int]) -> tuple[int, ...]:
        """Return the sizes."""
        return tuple(quick if self.quick else usual)


@dataclass
class Workplace:
    """
    One measurement's own.

    Args:
        expect: called with the number of turns that come.
        tick: called after each.
    """

    folder: Path
    server: Server
    wish: Wish
    expect: Callable[[int], None]
    tick: Callable[[], None]
    failed: list[Series] = field(default_factory=list)

    def place(self, name: str, backend: str = "postgresql") -> Place:
        """Return a place with an empty database; its folder is not made."""
        if backend == "sqlite":
            return Place(self.folder / name, DatabaseUrl("sqlite", database=str(self.folder / f"{name}.db")))
        self.server.create_database(name)
        return Place(self.folder / name, self.server.url(name))

    def empty(self, place: Place) -> None:
        """Put an empty database in place of what there is, and let the server write out what waits."""
        if place.url.backend == "sqlite":
            for end in ("", "-journal", "-wal", "-shm"):
                Path(place.url.database + end).unlink(missing_ok=True)
            return
        with psycopg.connect(self.server.url("postgres").render().reveal(), autocommit=True) as admin:
            for statement in ("drop database {} with (force)", "create database {}", "checkpoint"):
                admin.execute(statement.format(place.url.database).encode())

    def projects(self, tools: Sequence[Tool], changes: Sequence[Change], backend: str = "postgresql") -> dict[Tool, Place]:
        """Write a project and an empty database for each that takes part in a history of this length."""
        size, places = len(changes), {}
        for number, tool in enumerate(tools):
            if size <= (tool.most or size):
                places[tool] = self.place(f"n{size}_{number}", backend)
                tool.write(places[tool].folder, changes)
        return self._able(places, size, lambda tool, place: tool.once and tool.call(place, *tool.once))

    def at_head(self, places: dict[Tool, Place], size: int) -> dict[Tool, Place]:
        """Bring them all to head; who cannot is left out and remembered with the reason."""
        return self._able(places, size, Tool.run)

    def _able(self, places: dict[Tool, Place], size: int, does: Callable[[Tool, Place], object]) -> dict[Tool, Place]:
        able = {}
        for tool, place in places.items():
            try:
                does(tool, place)
            except Failed as error:
                print(f"{tool.name} failed: {error}", file=sys.stderr)
                self.failed.append(Series(tool.name, size, (), error.in_short))
            else:
                able[tool] = place
        return able

    def turns(self, jobs: Sequence[Job], rounds: int, warmups: int = 1) -> tuple[Series, ...]:
        """Let jobs take turns; a quick look needs no warm-up."""
        warmups = 0 if self.wish.quick else warmups
        self.expect(len(jobs) * (rounds + warmups))
        return in_turn(jobs, rounds, self.tick, warmups)

    def forget(self, places: dict[Tool, Place]) -> None:
        """Remove them: what lies about on a server slows down all."""
        for place in places.values():
            self.empty(place)
            shutil.rmtree(place.folder, ignore_errors=True)


Measurement = Callable[[Workplace], Section]


@contextmanager
def workplace(wish: Wish, expect: Callable[[int], None], tick: Callable[[], None]) -> Iterator[Workplace]:
    """Start a server; it and the folder are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as folder, temporary_server() as server:
        yield Workplace(Path(folder), server, wish, expect, tick)


def load() -> float:
    """Return the load average over the last minute."""
    return round(os.getloadavg()[0], 2)
