"""Running commands, and letting contenders take turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Sample, Series

_LAUNCH = str(Path(__file__).with_name("launch.py"))
# The unit of ru_maxrss: bytes on macOS, KiB elsewhere.
_IN_MIB = 1024**2 if sys.platform == "darwin" else 1024


class Failed(Exception):
    """A command did not do its work."""

    @property
    def in_short(self) -> str:
        """Without what the command said: it may name folders, and the result is kept."""
        return str(self).partition(":\n")[0]


@dataclass(frozen=True)
class Job:
    """
    One contender at one size.

    Args:
        run: does the work once.
        prepare: puts everything back to where the work begins; not timed.
        rounds: the most that it takes part in, for work that takes long; 0 for all.
    """

    contender: str
    size: int
    run: Callable[[], Sample]
    prepare: Callable[[], object] = lambda: None
    rounds: int = 0


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a command: this process's own, and more."""
    environ = {**os.environ, **more}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # with it, every start compiles every revision again
    return environ


def command(argv: Sequence[str], folder: Path, environ: Mapping[str, str], expect: str = "") -> Sample:
    """
    Run a command once, its start included.

    Args:
        expect: must be in what it says.
    Raises:
        Failed: it ended otherwise than with 0, or did not say so.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as told, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", _LAUNCH, str(writing), *argv],
            cwd=folder, env=environment(environ), stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, pass_fds=(writing,),
        )  # fmt: skip
        os.close(writing)
        report = told.read()
        process.wait()
        said.seek(0)
        text = said.read().decode(errors="replace")
    if not report:
        raise Failed(f"`{Path(argv[0]).name}` could not be started:\n{text}")
    found = json.loads(report)
    if found["status"] or expect not in text:
        raise Failed(f"`{' '.join([Path(argv[0]).name, *argv[1:2]])}` ended with {found['status']}:\n{text}")
    return Sample(found["wall_s"], found["cpu_s"], found["maxrss"] / _IN_MIB)


def in_turn(jobs: Sequence[Job], rounds: int, tick: Callable[[], None] = lambda: None, warmups: int = 1) -> tuple[Series, ...]:
    """
    Let jobs take turns, A B C A B C, so that other work on the machine disturbs all alike.

    Args:
        warmups: first rounds that are not counted: they write bytecode and fill caches.
        tick: called after each round of a job.
    Returns:
        A series for each job; where one failed, with the error in place of its runs.
    """
    samples: dict[Job, list[Sample]] = {job: [] for job in jobs}
    errors: dict[Job, str] = {}
    for number in range(-warmups, rounds):
        for job in jobs:
            if job not in errors and number < (job.rounds or rounds):
                try:
                    job.prepare()
                    sample = job.run()
                except Failed as error:
                    print(f"{job.contender} failed: {error}", file=sys.stderr)
                    errors[job] = error.in_short
                else:
                    samples[job] += [sample] if number >= 0 else []
            tick()
    return tuple(Series(job.contender, job.size, () if job in errors else tuple(samples[job]), errors.get(job, "")) for job in jobs)
