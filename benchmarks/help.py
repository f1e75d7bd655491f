"""How long `--help` takes: what a command costs before it does anything."""

from __future__ import annotations

import sys
from functools import partial

from benchmarks.figures import Section
from benchmarks.measure import Job, command
from benchmarks.targets import ALEMBIC, LOCKGATE
from benchmarks.tools import program
from benchmarks.workplace import Workplace

_ROUNDS = 25
_REFERENCE = "import click"
_ABOUT = "What a command costs before it does anything, beside a fresh Python that imports the library which lockgate parses its arguments with."


def measure(work: Workplace) -> Section:
    """Without a database."""
    commands = {
        LOCKGATE: (program("lockgate"), "--help"),
        _REFERENCE: (sys.executable, "-c", "import click"),
        "python -c pass": (sys.executable, "-c", "pass"),
        ALEMBIC: (program("alembic"), "--help"),
        "yoyo": (program("yoyo"), "--help"),
        "dbmate": (program("dbmate"), "--help"),
    }
    rounds = work.wish.rounds_or(_ROUNDS)
    jobs = [Job(name, 0, partial(command, argv, work.folder, {})) for name, argv in commands.items() if argv[0]]
    return Section("help", "`--help`", _ABOUT, "", _REFERENCE, work.turns(jobs, rounds), rounds=rounds)
