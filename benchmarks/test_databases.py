"""
A fresh, migrated database for one test: how long until a test has it and its first answer?

All contenders take turns on one server with its default settings (PostgreSQL) or in one folder (SQLite). What comes after a test
(dropping, giving back) is not in the figures, but it is done between them, as in a test session.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import psycopg
from alembic import command
from alembic.config import Config
from benchmarks.noop import write_project

from lockgate.runs.host import LocalHost
from lockgate.runs.scratch_server import ScratchServer, files_in
from lockgate.runs.test_databases import Lease, TestDatabases, Wish
from lockgate.scratch import Server, temporary_server
from lockgate.secret import DatabaseUrl

LOCKGATE_TOML = """\
[environments.dev]
url = { env = "DATABASE_URL" }
protection = "open"
export = ["DATABASE_URL"]
"""
TABLES = 100
THINKING_S = 0.2
Job = Callable[[], float]


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
        session.execute("insert into t1 (name) values ('x'); insert into t2 (name) values ('y'); insert into t3 (name) values ('z')")


def alter(url: DatabaseUrl) -> None:
    """What a test does after which its database cannot be given back as new."""
    with psycopg.connect(replace(url, driver="").render().reveal()) as session:
        session.execute("alter table t1 add column more int")


def upgrade(folder: Path, url: DatabaseUrl) -> None:
    """Alembic's own upgrade, in this process."""
    os.environ["DATABASE_URL"] = url.render().reveal()
    config = Config(str(folder / "alembic.ini"))
    command.upgrade(config, "head")


@contextmanager
def databases(folder: Path, server: ScratchServer, *, spare: int, recycles: bool) -> Iterator[Callable[[], Lease]]:
    """lockgate's databases; yields what takes one, warm: the template is there, and the strategy of copying has been measured."""
    found = TestDatabases(Wish(folder, {}), lambda project: LocalHost(server, project, spare, recycles=recycles))
    template = found.template()
    leases = [found.take(template) for _ in range(5)]
    for lease in leases:
        found.give(lease, drop=True)
    with server.entered() as clones:
        while set(clones.names(clones.family("scratch"))) & {lease.name for lease in leases}:  # dropping goes on in the background
            time.sleep(0.1)

    def take() -> Lease:
        return found.take(template)

    take.give = found.give  # type: ignore[attr-defined]
    yield take
    found.close()


def lockgate(take: Callable[[], Lease], work: Callable[[DatabaseUrl], None] = touch, thinking_s: float = 0.0) -> Job:
    """A test with lockgate's fixture: wait for a database and its first answer; then work, and give back."""

    def job() -> float:
        began = time.perf_counter()
        lease = take()
        touch(lease.url)
        spent = time.perf_counter() - began
        work(lease.url)
        time.sleep(thinking_s)
        take.give(lease)  # type: ignore[attr-defined]
        return spent

    return job


def timed(fill: Callable[[], DatabaseUrl], after: Callable[[], None] = lambda: None) -> Job:
    """A contender that makes a database by `fill`."""

    def job() -> float:
        began = time.perf_counter()
        touch(fill())
        spent = time.perf_counter() - began
        after()
        return spent

    return job


def in_turn(jobs: dict[str, Job], rounds: int) -> dict[str, float]:
    """Return the median of each; the first round is not counted."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(-1, rounds):
        for name, job in jobs.items():
            spent = job()
            if number >= 0:
                times[name].append(spent)
    return {name: median(spent) for name, spent in times.items()}


def show(title: str, medians: dict[str, float], limits: dict[str, tuple[str, float]]) -> None:
    """Print times, and ratios to the limit that each is held to."""
    print(title)
    for name, spent in medians.items():
        limit, target = limits.get(name, ("", 0.0))
        aim = f" (target: at most {target:g})" if target else ""
        ratio = f"{spent / medians[limit]:8.2f} x {limit.strip()}{aim}" if limit else ""
        print(f"  {name:56} {spent * 1000:9.2f} ms {ratio}".rstrip())


def on_postgres(base: Path, server: Server, rounds: int) -> None:
    """PostgreSQL, all contenders on one server."""
    gated, plain = write_project(base / "gated", TABLES), write_project(base / "plain", TABLES)
    (gated / "lockgate.toml").write_text(LOCKGATE_TOML, encoding="utf-8")
    with psycopg.connect(server.url("postgres").render().reveal(), autocommit=True) as admin:

        def url(name: str) -> DatabaseUrl:
            return server.url(name).with_driver("psycopg")

        def made(sql: str) -> DatabaseUrl:
            admin.execute(f"create database one {sql}".encode())
            return url("one")

        def by_alembic() -> DatabaseUrl:
            upgrade(plain, made(""))
            return url("one")

        def gone() -> None:
            admin.execute("drop database one with (force)")

        for name in ("template_of_ours", "ready"):
            admin.execute(f"create database {name}".encode())
            upgrade(plain, url(name))
        place = ScratchServer(server.url("postgres"), "the benchmark's server", ours=True)
        with (
            databases(gated, place, spare=0, recycles=False) as cold,
            databases(gated, place, spare=1, recycles=False) as ahead,
            databases(gated, place, spare=1, recycles=True) as recycled,
        ):
            raw, bare = "raw clone + connect", "bare connect"
            jobs = {
                bare: timed(lambda: url("ready")),
                raw: timed(lambda: made("template template_of_ours"), gone),
                "lockgate, cold": lockgate(cold),
                "create + alembic upgrade": timed(by_alembic, gone),
            }
            medians = in_turn(jobs, rounds)
            # Not in turn with the others: a pool works between its tests, and they would give it time.
            for name, job in {
                "lockgate, pool, tests of 200 ms, altering": lockgate(ahead, alter, THINKING_S),
                "lockgate, recycled, 200 ms, writing": lockgate(recycled, write, THINKING_S),
                "lockgate, recycled, 0 ms, writing": lockgate(recycled, write),
                "lockgate, pool, 0 ms, altering": lockgate(ahead, alter),
            }.items():
                medians |= in_turn({name: job, f"  {bare} beside it": jobs[bare]}, rounds * 2)
                medians[f"  {bare} beside it ({name.removeprefix('lockgate, ')})"] = medians.pop(f"  {bare} beside it")
    names = [name for name in medians if not name.startswith("  ")]
    limits = {"lockgate, cold": (raw, 1.1), "create + alembic upgrade": (raw, 0.0)}
    for name, target in zip(names[4:], (2.0, 2.0, 3.0, 0.0), strict=True):
        limits[name] = (f"  {bare} beside it ({name.removeprefix('lockgate, ')})", target)
    show(f"PostgreSQL, {TABLES} tables, until the first answer:", medians, limits)


def on_sqlite(base: Path, rounds: int) -> None:
    """SQLite, all in one folder."""
    gated, plain = write_project(base / "gated-lite", TABLES), write_project(base / "plain-lite", TABLES)
    (gated / "lockgate.toml").write_text(LOCKGATE_TOML, encoding="utf-8")
    template, one = base / "template.db", DatabaseUrl("sqlite", database=str(base / "one.db"))
    upgrade(plain, replace(one, database=str(template)))

    def copied() -> DatabaseUrl:
        shutil.copyfile(template, one.database)
        return one

    def by_alembic() -> DatabaseUrl:
        upgrade(plain, one)
        return one

    def gone() -> None:
        os.unlink(one.database)

    with databases(gated, files_in(base / "files"), spare=0, recycles=False) as take:
        jobs = {"copy the file + open": timed(copied, gone), "lockgate": lockgate(take), "alembic upgrade": timed(by_alembic, gone)}
        medians = in_turn(jobs, rounds)
    show(f"SQLite, {TABLES} tables, until the first answer:", medians, {"lockgate": ("copy the file + open", 2.0), "alembic upgrade": ("copy the file + open", 0.0)})


def main(rounds: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as folder, temporary_server() as server:
        on_postgres(Path(folder), server, rounds)
        on_sqlite(Path(folder), rounds)
