"""A whole plan beside the least that it could be: a clone, and the pending revisions on it."""

from __future__ import annotations

import time
from functools import partial

import psycopg
from benchmarks import histories
from benchmarks.figures import Sample, Section
from benchmarks.histories import Change, only_tables
from benchmarks.measure import Job, command
from benchmarks.targets import CLONE_AND_UPGRADE, LOCKGATE
from benchmarks.tools import Place, program
from benchmarks.workplace import Workplace

_TABLES, _QUICK = 100, 5
_ROUNDS = 7
_PENDING = (("column", "t1"), ("index", "t2"), ("table", "t0"))
_DUMP = "pg_dump --schema-only"
_ABOUT = f"""\
Three revisions are pending on a database of {_TABLES} tables: one adds a column, one an index, one a table. `lockgate plan` starts a server, copies the
schema to it, runs the revisions and their way back in a process of its own with a look around each statement, and judges. Beside it: a clone of a
database of the same schema on a running server, and `alembic upgrade head` on it; and the server's own `pg_dump`. All of them write without `fsync`."""


def measure(work: Workplace) -> Section:
    """On PostgreSQL."""
    work.server.write_carelessly()  # as a scratch server does
    tables = only_tables(_QUICK if work.wish.quick else _TABLES)
    pending = [Change(len(tables) + number, kind, table) for number, (kind, table) in enumerate(_PENDING, 1)]
    planned, ready, clone = (work.place(name) for name in ("planned", "ready", "clone"))
    histories.lockgate(planned.folder, [*tables, *pending])
    histories.alembic(ready.folder, [*tables, *pending])
    lockgate, alembic, last = program("lockgate"), program("alembic"), tables[-1].revision
    command((lockgate, "upgrade", "dev", last), planned.folder, planned.environ)
    command((alembic, "upgrade", last), ready.folder, ready.environ)
    dump = (program("pg_dump"), "--schema-only", "--file", "schema.sql", "--dbname", planned.bare)
    jobs = [
        Job(CLONE_AND_UPGRADE, 0, partial(_clone_and_upgrade, work, ready, clone), partial(_drop, work, clone)),
        Job(LOCKGATE, 0, partial(command, (lockgate, "plan", "dev"), planned.folder, planned.environ)),
        Job(_DUMP, 0, partial(command, dump, planned.folder, {})),
    ]
    rounds = work.wish.rounds_or(_ROUNDS)
    return Section("plan", "A plan", _ABOUT, "", CLONE_AND_UPGRADE, work.turns(jobs, rounds), rounds=rounds)


def _drop(work: Workplace, place: Place) -> None:
    with psycopg.connect(work.server.url("postgres").render().reveal(), autocommit=True) as admin:
        admin.execute(f"drop database if exists {place.url.database}".encode())


def _clone_and_upgrade(work: Workplace, ready: Place, clone: Place) -> Sample:
    began = time.perf_counter()
    with psycopg.connect(work.server.url("postgres").render().reveal(), autocommit=True) as admin:
        admin.execute(f"create database {clone.url.database} template {ready.url.database}".encode())
    cloned = time.perf_counter() - began
    upgraded = command((program("alembic"), "upgrade", "head"), ready.folder, clone.environ)
    return Sample(cloned + upgraded.wall_s, upgraded.cpu_s, upgraded.peak_mib)
