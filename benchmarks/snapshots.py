"""Reading the schema of a large database."""

from __future__ import annotations

import sys
from functools import partial

from benchmarks import histories
from benchmarks.figures import Section
from benchmarks.histories import mixed
from benchmarks.measure import Job, command
from benchmarks.targets import LOCKGATE
from benchmarks.tools import limits, program
from benchmarks.workplace import Workplace

_CHANGES, _QUICK = 2500, 20  # four tables in ten changes: 1,000 tables
_ROUNDS = 5
_REFERENCE = "pg_dump --schema-only"
_ABOUT = """\
The schema of 1,000 tables, with their columns and 750 indexes, read and written into a file: by `lockgate drift --save`, by the server's own
`pg_dump`, and by SQLAlchemy's reflection (`MetaData().reflect`), which writes nothing."""
_REFLECT = """
import os, sqlalchemy
sqlalchemy.MetaData().reflect(sqlalchemy.create_engine(os.environ["DATABASE_URL"]))
"""


def measure(work: Workplace) -> Section:
    """On PostgreSQL."""
    changes = mixed(_QUICK if work.wish.quick else _CHANGES)
    place, psql = work.place("wide"), limits()[0]
    psql.write(place.folder, changes)
    psql.run(place)
    histories.lockgate(place.folder / "project", changes[:1])
    project, lockgate = place.folder / "project", program("lockgate")
    command((lockgate, "adopt", "dev"), project, {**place.environ, "CONFIRM_ENV": "dev"})
    command((lockgate, "stamp", "dev", "head"), project, {**place.environ, "CONFIRM_ENV": "dev"})
    commands = {
        LOCKGATE: (lockgate, "drift", "dev", "--save", "schema.json"),
        _REFERENCE: (program("pg_dump"), "--schema-only", "--file", "schema.sql", "--dbname", place.bare),
        "SQLAlchemy reflection": (sys.executable, "-c", _REFLECT),
    }
    jobs = [Job(name, 0, partial(command, argv, project, place.environ)) for name, argv in commands.items() if argv[0]]
    rounds = work.wish.rounds_or(_ROUNDS)
    return Section("snapshot", "The schema of 1,000 tables", _ABOUT, "", _REFERENCE, work.turns(jobs, rounds), rounds=rounds)
