"""The rows of the matrix: what is done to a run, how often, and which exit statuses it may answer with."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faults.stage import Stage
from faults.trial import Result, Trial

POSTGRES, SQLITE, MARIADB = "PostgreSQL", "SQLite", "MariaDB"
# 1: failed, 5: unreachable; see docs/exit-codes.md.
KILLED, CUT_OFF, FAILED = frozenset({"killed"}), frozenset({"1", "5"}), frozenset({"1"})
TERMINATED, INTERRUPTED, SUCCESS, REFUSED = frozenset({"143"}), frozenset({"130"}), frozenset({"0"}), frozenset({"3"})

EVERY = 260  # more than the short histories have statements; a trial refuses where they are not

Play = Callable[[Stage, Trial], Result]


def _possible(folder: Path) -> str:
    return ""


@dataclass(frozen=True)
class Row:
    """
    One line of the matrix.

    Args:
        name: for ROWS= and file names.
        fault: as the page names it.
        arenas: its trials take turns on them.
        play: one trial.
        stock: what stock Alembic 1.20.1 does in the same trials; empty where nobody measured it.
        journaled: a revision may be half applied, if the database says so.
        limit_s: most seconds that what the row measures may take.
        measured: what that is.
        every: the trials are at every statement, so there are as many as it takes.
        why_not: the reason why the row cannot be run on this machine; empty where it can.
    """

    name: str
    backend: str
    fault: str
    arenas: tuple[str, ...]
    play: Play
    stock: str = ""
    journaled: bool = False
    limit_s: float = 0.0
    measured: str = ""
    why_not: Callable[[Path], str] = _possible
    every: bool = False

    @property
    def trials(self) -> int:
        """In the long form."""
        return EVERY if self.every else 50 if self.backend == MARIADB else 100

    def run(self, stage: Stage, number: int, *, strict: bool) -> Result:
        """
        Run one trial.

        Args:
            number: from 1; the trial's chances follow from it.
            strict: the machine is quiet, so that times count.
        """
        arena = stage.arena(self.arenas[number % len(self.arenas)])
        assert arena.expected
        trial = Trial(arena, self.name, number, random.Random(f"{self.name} {number}"), journaled=self.journaled)
        result = self.play(stage, trial)
        if strict and result.seconds is not None and result.seconds > self.limit_s > 0:
            result.problems.append(f"{result.seconds:.2f} s {self.measured}, more than {self.limit_s:g} s")
        return result
