"""
A fresh, migrated database for one test: how long until a test has it and its first answer?

All contenders take turns on one server with its default settings (PostgreSQL) or in one folder (SQLite). What comes after a test
(dropping, giving back) is not in the figures, but it is done between them, as in a test session.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from benchmarks import histories
from benchmarks.figures import Sample, Section, Series
from benchmarks.histories import only_tables
from benchmarks.measure import Job
from benchmarks.targets import CONNECT, COPY_FILE, LOCKGATE, RAW_CLONE, pooled_names
from benchmarks.workplace import Workplace

from lockgate.runs.host import LocalHost
from lockgate.runs.scratch_server import ScratchServer, files_in
from lockgate.runs.template import Template
from lockgate.runs.test_databases import Lease, TestDatabases, Wish
from lockgate.secret import DatabaseUrl

_TABLES, _QUICK = 100, 5
_THINKING_S = 0.2
_ROUNDS = 15
_ABOUT = f"""\
A fresh, migrated database of {_TABLES} tables for one test: how long until the test has it and its first answer? All on one server. Cold is a
copy made when it is asked for; a pool makes one ahead while a test of {_THINKING_S * 1000:.0f} ms runs; recycling gives a database back as new where the test
wrote rows only. The runs with a pool have a `connect` of their own beside them, because a pool works between its tests. Alembic runs in the same process,
without a start of its own."""
_ABOUT_LITE = f"A fresh, migrated file of {_TABLES} tables for one test: how long until the test has it and its first answer?"


def touch(url: DatabaseUrl) -> None:
    """Connect with the bare driver and ask once."""
    if url.backend == "sqlite":
        with closing(sqlite3.connect(url.database)) as connection:
            connection.execute("select count(*) from t1").fetchone()
        return
    with psycopg.connect(replace(url, driver="").render().reveal()) as session:
        session.execute("select count(*) from t1")


def write(url: DatabaseUrl) -> None:
    """What a test does that only writes rows."""
    with psycopg.connect(replace(url, driver="").render().reveal()) as session:
        session.execute("insert into t1 (id, name) values (1, 'x'); insert into t2 (id, name) values (1, 'y'); insert into t3 (id, name) values (1, 'z')")


def alter(url: DatabaseUrl) -> None:
    """What a test does after which its database cannot be given back as new."""
    with psycopg.connect(replace(url, driver="").render().reveal()) as session:
        session.execute("alter table t1 add column more int")


def upgrade(folder: Path, url: DatabaseUrl) -> None:
    """Alembic's own upgrade, in this process."""
    os.environ["DATABASE_URL"] = url.render().reveal()
    config = Config(str(folder / "alembic.ini"))
    command.upgrade(config, "head")


@dataclass(frozen=True)
class Pool:
    """lockgate's databases, as its pytest plugin hands them out."""

    databases: TestDatabases
    template: Template

    def take(self) -> Lease:
        """Wait for one."""
        return self.databases.take(self.template)

    def work(self, work: Callable[[DatabaseUrl], None] = touch, thinking_s: float = 0.0) -> Sample:
        """A test with lockgate's fixture: wait for a database and its first answer; then work, and give back."""
        began = time.perf_counter()
        lease = self.take()
        touch(lease.url)
        spent = time.perf_counter() - began
        work(lease.url)
        time.sleep(thinking_s)
        self.databases.give(lease)
        return Sample(spent)


@contextmanager
def pool(folder: Path, server: ScratchServer, *, spare: int, recycles: bool) -> Iterator[Pool]:
    """Yield a warm one: the template is there, and the strategy of copying has been measured."""
    found = TestDatabases(Wish(folder, {}), lambda project: LocalHost(server, project, spare, recycles=recycles))
    made = Pool(found, found.template())
    leases = [made.take() for _ in range(5)]
    for lease in leases:
        found.give(lease, drop=True)
    with server.entered() as clones:
        while set(clones.names(clones.family("scratch"))) & {lease.name for lease in leases}:  # dropping goes on in the background
            time.sleep(0.1)
    yield made
    found.close()


def timed(fill: Callable[[], DatabaseUrl]) -> Sample:
    """Wait for a database of another contender, and for its first answer."""
    began = time.perf_counter()
    touch(fill())
    return Sample(time.perf_counter() - began)


def _projects(work: Workplace) -> tuple[Path, Path]:
    changes = only_tables(_QUICK if work.wish.quick else _TABLES)
    gated, plain = work.folder / "gated", work.folder / "plain"
    histories.lockgate(gated, changes)
    histories.alembic(plain, changes)
    return gated, plain


def postgres(work: Workplace) -> Section:
    """PostgreSQL, all contenders on one server."""
    gated, plain = _projects(work)
    rounds = work.wish.rounds_or(_ROUNDS)
    with psycopg.connect(work.server.url("postgres").render().reveal(), autocommit=True) as admin:

        def url(name: str) -> DatabaseUrl:
            return work.server.url(name).with_driver("psycopg")

        def made(sql: str) -> DatabaseUrl:
            admin.execute("drop database if exists one with (force)")
            admin.execute(f"create database one {sql}".encode())
            return url("one")

        def by_alembic() -> DatabaseUrl:
            upgrade(plain, made(""))
            return url("one")

        def gone() -> None:
            admin.execute("drop database if exists one with (force)")

        for name in ("template_of_ours", "ready"):
            admin.execute(f"create database {name}".encode())
            upgrade(plain, url(name))
        place = ScratchServer(work.server.url("postgres"), "the benchmark's server", ours=True)
        connect = Job(CONNECT, 0, lambda: timed(lambda: url("ready")))
        with pool(gated, place, spare=0, recycles=False) as cold:
            raw = Job(RAW_CLONE, 0, lambda: timed(lambda: made("template template_of_ours")), gone)
            by_hand = Job("create + alembic upgrade", 0, lambda: timed(by_alembic), gone)
            series = work.turns([connect, raw, Job("lockgate, cold", 0, cold.work), by_hand], rounds)
            gone()
        return Section("databases", "A fresh test database, PostgreSQL", _ABOUT, "", CONNECT, (*series, *_pooled(work, gated, place, connect, rounds)), rounds=rounds)


def _pooled(work: Workplace, gated: Path, place: ScratchServer, connect: Job, rounds: int) -> list[Series]:
    """Not in turn with the others: a pool works between its tests, and they would give it time."""
    found: list[Series] = []
    for recycles, act, does in ((False, alter, "pool"), (True, write, "recycled")):
        with pool(gated, place, spare=1, recycles=recycles) as ahead:
            for thinking_s in (_THINKING_S, 0.0):
                ours, bare = pooled_names(does, thinking_s * 1000)
                job = Job(ours, 0, partial(ahead.work, act, thinking_s))
                beside = replace(connect, contender=bare)
                found += work.turns([job, beside], rounds * 2)
    return found


def sqlite(work: Workplace) -> Section:
    """SQLite, all in one folder."""
    gated, plain = _projects(work)
    template, one = work.folder / "template.db", DatabaseUrl("sqlite", database=str(work.folder / "one.db"))
    upgrade(plain, replace(one, database=str(template)))

    def copied() -> DatabaseUrl:
        shutil.copyfile(template, one.database)
        return one

    def by_alembic() -> DatabaseUrl:
        upgrade(plain, one)
        return one

    def gone() -> None:
        Path(one.database).unlink(missing_ok=True)

    rounds = work.wish.rounds_or(_ROUNDS)
    with pool(gated, files_in(work.folder / "files"), spare=0, recycles=False) as ready:
        jobs = [
            Job(COPY_FILE, 0, lambda: timed(copied), gone),
            Job(LOCKGATE, 0, ready.work),
            Job("alembic upgrade", 0, lambda: timed(by_alembic), gone),
        ]
        series = work.turns(jobs, rounds)
    return Section("databases-sqlite", "A fresh test database, SQLite", _ABOUT_LITE, "", COPY_FILE, series, rounds=rounds)
