"""All rows, and the workers that run their trials: each a process with servers of its own, which end with it."""

from __future__ import annotations

import multiprocessing
import tempfile
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from faults import mariadb_rows, postgres_rows, sqlite_rows
from faults.children import PATIENCE_S, end_with_parent
from faults.rows import Row
from faults.stage import Stage
from faults.trial import Result

ROWS: tuple[Row, ...] = (*postgres_rows.ROWS, *sqlite_rows.ROWS, *mariadb_rows.ROWS)
BY_NAME = {row.name: row for row in ROWS}
BROKE = "the trial itself did not work"  # which says nothing about lockgate
_AT_ONCE = 5  # trials of one row that a worker takes: it has the row's project and expectations then


@dataclass(frozen=True)
class Job:
    """Trials of one row."""

    row: str
    numbers: tuple[int, ...]
    strict: bool


def jobs(rows: Sequence[Row], trials: int, *, strict: bool) -> deque[Job]:
    """
    Cut the work into pieces.

    Args:
        trials: of each row; 0 for as many as the long form has.
    """
    cut: deque[Job] = deque()
    for row in rows:
        numbers = tuple(_numbers(row, trials))
        cut.extend(Job(row.name, numbers[start : start + _AT_ONCE], strict) for start in range(0, len(numbers), _AT_ONCE))
    return cut


def _numbers(row: Row, trials: int) -> list[int]:
    """In the short form the moments at every statement are spread over the whole run, too."""
    total = trials * (2 if row.every else 1) or row.trials
    return [1 + (number * row.trials) // total for number in range(total)]


def work(pipe: Connection, folder: Path) -> None:
    """The life of a worker: one thread, because it forks."""
    end_with_parent()
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(folder)  # what a worker leaves that was killed is removed with the rest
    stage = Stage(folder)
    try:
        with suppress(EOFError):
            while True:
                job: Job = pipe.recv()
                for number in job.numbers:
                    try:
                        pipe.send(BY_NAME[job.row].run(stage, number, strict=job.strict))
                    except Exception:
                        pipe.send(Result(job.row, number, problems=[f"{BROKE}\n{traceback.format_exc()}"]))
                pipe.send(None)
    finally:
        stage.close()


class WorkerEnded(Exception):
    """A worker is gone, and its servers with it: it says nothing about lockgate."""


def play(todo: deque[Job], workers: int, folder: Path, told: Callable[[Result], Any]) -> None:
    """
    Run all trials.

    Args:
        folder: for servers and databases; removed by the caller, when nothing runs any more.
        told: called with every result.
    Raises:
        WorkerEnded: before its work was done.
    """
    context = multiprocessing.get_context("spawn")
    pipes: dict[Connection, multiprocessing.process.BaseProcess] = {}
    try:
        for number in range(min(workers, len(todo))):
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs, folder / f"w{number}"), daemon=True)
            process.start()
            theirs.close()
            pipes[ours] = process
            ours.send(todo.popleft())
        _listen(dict(pipes), todo, told)
    except BaseException:
        for process in pipes.values():
            process.kill()  # the kernel ends what it has started
        raise
    finally:
        for pipe, process in pipes.items():
            pipe.close()
            process.join(PATIENCE_S)


def _listen(pipes: dict[Connection, Any], todo: deque[Job], told: Callable[[Result], Any]) -> None:
    while pipes:
        for pipe in wait(list(pipes)):
            assert isinstance(pipe, Connection)
            try:
                heard = pipe.recv()
            except EOFError:
                raise WorkerEnded(f"a worker ended with {pipes[pipe].exitcode}") from None
            if heard is not None:
                told(heard)
            elif todo:
                pipe.send(todo.popleft())
            else:
                del pipes[pipe]
