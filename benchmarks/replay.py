"""From an empty database to head, every revision in turn; and by a schema in SQL, where lockgate has one."""

from __future__ import annotations

import subprocess
from functools import cache, partial

from benchmarks import histories
from benchmarks.figures import Section, Series
from benchmarks.histories import mixed
from benchmarks.measure import Job
from benchmarks.targets import ALEMBIC
from benchmarks.tools import PSQL_EACH, Place, Tool, limits, present, program, tools
from benchmarks.workplace import Workplace

# Revisions -> rounds and warm-ups: a round of the longest takes as long as all the others.
_SIZES = {100: (5, 1), 300: (5, 1), 1000: (3, 0), 3000: (1, 0)}
_QUICK = {10: (1, 0)}
_LITE_SIZE, _LITE_QUICK, _LITE_ROUNDS = 20, 5, 9
_FROM_SNAPSHOT, _SNAPSHOT = "--from-snapshot", ("snapshot", "--sql", "--product", "postgresql")
_ABOUT = """\
An empty database gets the whole history. lockgate runs with its gate, lock, ledger and a smoke query, each revision in a transaction of its
own; Alembic by default puts all of them into one. `psql` with the bare SQL is the limit: everything in one transaction, and a transaction
with a version row for each revision, which is the work that lockgate promises to do. `lockgate, schema.sql` loads the schema of the head, which
`lockgate snapshot --sql` has put beside the revisions, and stamps (`lockgate upgrade --from-snapshot`)."""
_ABOUT_LITE = """\
An empty SQLite file gets twenty revisions. lockgate puts each into a real transaction; Alembic, by default, lets SQLite commit, and so
wait for the disk, after every statement."""


def postgres(work: Workplace) -> Section:
    """On PostgreSQL, with histories of growing length."""
    able, notes = present([*limits(), *tools(), *by_schema()])
    notes += () if by_schema() else (f"This lockgate has no `upgrade {_FROM_SNAPSHOT}`.",)
    series: list[Series] = []
    for size, (rounds, warmups) in (_QUICK if work.wish.quick else _SIZES).items():
        series += _size(work, able, size, work.wish.rounds or rounds, warmups)
    rounds_of = ", ".join(f"{size:,}: {work.wish.rounds or rounds}" for size, (rounds, _) in _SIZES.items())
    notes += (f"Rounds, by revisions: {rounds_of}. Django and yoyo were left out beyond 1,000.",)
    return Section("replay", "From empty to head, PostgreSQL", _ABOUT, "revisions", PSQL_EACH, (*series, *work.failed), notes=notes)


def sqlite(work: Workplace) -> Section:
    """On SQLite, with a short one."""
    able, notes = present(tools())
    rounds = work.wish.rounds_or(_LITE_ROUNDS)
    series = _size(work, able, _LITE_QUICK if work.wish.quick else _LITE_SIZE, rounds, 1, "sqlite")
    title = "From empty to head, SQLite"
    return Section("replay-sqlite", title, _ABOUT_LITE, "revisions", ALEMBIC, (*series, *work.failed), rounds=rounds, notes=notes)


def _size(work: Workplace, able: list[Tool], size: int, rounds: int, warmups: int, backend: str = "postgresql") -> tuple[Series, ...]:
    places = work.projects(able, mixed(size), backend)
    jobs = [Job(tool.name, size, partial(tool.run, place), partial(work.empty, place)) for tool, place in places.items()]
    series = work.turns(jobs, rounds, warmups)
    work.forget(places)
    return series


@cache
def by_schema() -> list[Tool]:
    """Return the contender that loads the schema; none where lockgate cannot do that."""
    lockgate = program("lockgate")
    if not lockgate or _FROM_SNAPSHOT not in subprocess.run([lockgate, "upgrade", "--help"], capture_output=True, text=True).stdout:
        return []
    return [Tool("lockgate, schema.sql", lockgate, histories.lockgate, _from_schema, once=_SNAPSHOT)]


def _from_schema(place: Place) -> tuple[str, ...]:
    return (program("lockgate"), "upgrade", "dev", _FROM_SNAPSHOT)
