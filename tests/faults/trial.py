"""One trial: break a run off, look whether the database is in one piece, run again, and hold the end to that of an undisturbed run."""

from __future__ import annotations

import random
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from building import Database, until
from faults.arena import Arena, Heads, number_of
from faults.boundaries import Boundary
from faults.children import PATIENCE_S, Child, command_line
from running import lock_is_free

from lockgate.secret import DatabaseUrl

_INVALID = "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid where not i.indisvalid"
_ANNOUNCED = re.compile(r"^applied (r\d+)", re.MULTILINE)
_CHANGED = re.compile(r"^  changed: (.*)$", re.MULTILINE)
# SQLAlchemy writes this where a lost connection goes back to its pool; the run answers as it should.
_RESET = "Exception during reset or similar\nTraceback"
_DRAWS = 30  # of a moment, until one lies inside a run
_CLOSER = 0.85  # each further draw comes so much earlier,
_ROUND = 8  # and after so many it begins anew: at the very beginning there is nothing to disturb
_UNCHANGED = frozenset({"2", "3"})  # docs/exit-codes.md: these promise that nothing was changed


@dataclass
class Result:
    """
    What a trial found.

    Args:
        exits: of the processes that were disturbed; `killed` for one that could not answer.
        half: the database said itself that a revision is half applied.
        seconds: that were measured, where the row is about a time.
        problems: everything that is not as promised, in words; empty where all is well.
    """

    row: str
    number: int
    exits: list[str] = field(default_factory=list)
    torn: bool = False
    kept: bool = True
    half: bool = False
    reached: bool = True
    rows_right: bool = True
    seconds: float | None = None
    problems: list[str] = field(default_factory=list)


class Trial:
    """
    A database on its way.

    Args:
        journaled: the database may say that a revision is half applied.
    """

    def __init__(self, arena: Arena, row: str, number: int, chance: random.Random, *, journaled: bool = False) -> None:
        self.arena, self.number, self.chance, self.journaled = arena, number, chance, journaled
        self.result = Result(row, number)
        self.from_heads: Heads = ()
        self.environment = "dev"  # that the database is
        self.url: DatabaseUrl = arena.stock.make()
        self.point()
        self.logs = [0]

    @property
    def database(self) -> Database:
        """As somebody with a prompt sees it."""
        return Database(self.url)

    def again(self) -> None:
        """A new database, for another draw."""
        self.drop()
        self.url = self.arena.stock.make()
        self.point()

    def point(self, url: DatabaseUrl | None = None) -> None:
        """Let the project's `dev` be this database, or another way to it."""
        self.arena.project.point("dev", url or self.url)

    def drop(self) -> None:
        """Nobody needs it any more."""
        self.arena.stock.drop(self.url)

    def start(self, *arguments: str, before: Callable[[], object] | None = None, **variables: str) -> Child:
        """Start a run: `upgrade` where nothing else is said."""
        self.logs.append(len(self.logs))
        log = f"run{self.logs[-1]}"
        return command_line(self.arena.project, *(arguments or ("upgrade", self.environment)), log=log, before=before, **variables)

    def strike(self, how: Callable[[Child], object], prepare: Callable[[], object] = lambda: None, before: Callable[[], object] | None = None) -> Child:
        """Start a run and disturb it at a random moment of its time; with a new database for as long as the run is over before."""
        duration = self.arena.duration
        self.point()
        for draw in range(_DRAWS):
            if draw:
                self.again()
            prepare()
            child = self.start(before=before)
            moment = time.monotonic() + self.chance.random() * duration * _CLOSER ** (draw % _ROUND)
            while time.monotonic() < moment and not child.ended():
                time.sleep(0.002)
            if not child.ended():
                how(child)
                if child.wait() != 0:
                    return child
        raise AssertionError(f"in {_DRAWS} draws no run was disturbed before its end")

    def at_boundary(self, act: Callable[[], object], most: int) -> Child:
        """Start a run that meets its fate before or after one statement; the trial's number, of `most`, says which."""
        total = self.arena.statements
        assert total <= most, f"{total} statements are more than the {most} trials that are to meet them all"
        self.point()
        for draw in range(_DRAWS):
            if draw:
                self.again()
            # All of them from before, and then from behind: what differs is what the client knows, the database is in the same state.
            behind, statement = divmod(self.number - 1 - draw, total)
            boundary = Boundary(statement + 1, behind % 2 == 1, act)
            child = self.start(before=boundary.arm)
            if child.wait() != 0 or boundary.reached:
                return child
        raise AssertionError("no statement was reached")

    def judge(self, *children: Child, exits: frozenset[str]) -> None:
        """Look at what the fault left behind."""
        result = self.result
        until(lambda: lock_is_free(self.url), "the lock of the disturbed run", seconds=PATIENCE_S)
        heads, state = self.arena.look(self.url, self.environment)
        result.half = self.is_half_applied()
        result.torn = state != self.arena.expected.get(heads) and not (result.half and self.journaled)
        if result.torn:
            result.problems.append(f"torn: at {heads}, half applied: {result.half}")
        if result.half and not self.journaled:
            result.problems.append("half applied, though every revision is one transaction")
        for child in children:
            self._judge_process(child, heads, exits)

    def _judge_process(self, child: Child, heads: Heads, exits: frozenset[str]) -> None:
        result, said = self.result, child.said
        status = child.wait()
        result.exits.append("killed" if status == -signal.SIGKILL else str(status))
        if result.exits[-1] not in exits:
            result.problems.append(f"exit {result.exits[-1]}")
        if "Traceback" in said.replace(_RESET, ""):
            result.problems.append("a traceback")
        reached = max(map(number_of, heads), default=-1)
        if any(number_of(name) > reached for name in _ANNOUNCED.findall(said)):
            result.kept = False
            result.problems.append(f"said to be applied, and lost: at {heads}")
        changed = (_CHANGED.findall(said) or [""])[-1]
        said_nothing = changed == "nothing" or result.exits[-1] in _UNCHANGED
        if said_nothing and heads != self.from_heads:
            result.problems.append(f"exit {result.exits[-1]}, `changed: {changed}`, and the database is at {heads}")
        for done in (part for part in changed.split("; ") if part.startswith(("applied", "upgrade"))):
            if any(number_of(name) > reached for name in re.findall(r"\br\d+\b", done.partition("perhaps")[0])):
                result.problems.append(f"`changed: {changed}`, and the database is at {heads}")

    def is_half_applied(self) -> bool:
        """Whether the database says so."""
        name = "lockgate.journal" if self.url.backend == "postgresql" else "lockgate_journal"
        return name in self.database.tables() and self.database.query(f"select count(*) from {name}") != [(0,)]

    def finish(self, *, by: Child | None = None) -> Result:
        """
        Run again, and compare the end with that of an undisturbed run.

        Args:
            by: the run that was to reach the head, where it was started already.
        """
        result = self.result
        child = by or self.start()
        status = child.wait()
        heads, state = self.arena.look(self.url, self.environment)
        expected = self.arena.expected[self.arena.head]
        result.reached = status == 0 and heads == self.arena.head and state.schema == expected.schema
        result.rows_right = state.rows == expected.rows
        if not result.reached:
            result.problems.append(f"the rerun ended with {status} at {heads}")
        if not result.rows_right:
            result.problems.append(f"rows: {sorted(set(state.rows) ^ set(expected.rows), key=repr)[:4] or 'some twice'}")
        result.problems += self._leftovers()
        if result.problems:
            result.problems += [f"said: {path.read_text(errors='replace')}" for path in self._said()]
        self.drop()
        return result

    def _leftovers(self) -> list[str]:
        problems, database = [], self.database
        if self.url.backend == "postgresql" and database.query(_INVALID):
            problems.append(f"INVALID: {database.query(_INVALID)}")
        if self.is_half_applied():
            problems.append("half applied at the end")
        if database.applied() != self.arena.revisions:
            problems.append(f"the ledger has {database.applied()}")
        verified = self.arena.project.here("history", self.environment, "--verify")
        if verified.returncode != 0:
            problems.append(f"history --verify: {verified.stderr}")
        return problems

    def _said(self) -> list[Any]:
        logs = [self.arena.project.folder / f"run{number}.err" for number in self.logs]
        return [log for log in logs if log.exists()]
