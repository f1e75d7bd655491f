"""
A CSV of 1,000,000 rows and 8 columns into a table with a primary key: empty, holding the same rows, with 1 % of them changed.

The whole verb is timed, in a process of its own, with its start, its guard, its ledger and its fingerprints; a job in each round,
so that other work on the machine disturbs all alike. The result is the ratio of medians to `psql \\copy` of the same file into the empty table (for
SQLite: to `.import` of its shell).
"""

from __future__ import annotations

import csv
import itertools
import os
import random
import shutil
import sqlite3
import sys
from contextlib import closing
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import psycopg
from benchmarks.figures import Sample, Section
from benchmarks.measure import Job, command
from benchmarks.tools import program
from benchmarks.workplace import Workplace

from lockgate.secret import DatabaseUrl

COLUMNS = ("id", "code", "name", "amount", "qty", "created", "active", "note")
TABLE = """create table {} (id integer primary key, code varchar(20) not null, name varchar(80) not null,
 amount numeric(12,2) not null, qty integer not null, created date not null, active boolean not null, note text)"""
WORDS = ("alpha", "bravo", "carol, jr", 'delta "d"', "écho", "foxtrot", "golf", "hotel")
COPY, IMPORT = "psql \\copy, empty", "sqlite3 .import, empty"
_ROWS, _QUICK = 1_000_000, 1000
_ROUNDS = 3
_BATCHES = str(Path(__file__).with_name("sqlalchemy_load.py"))
_ABOUT = """\
A CSV of 1,000,000 rows and 8 columns into a table with a primary key: empty, holding the same rows, with 1 % of them changed. The whole verb is
timed, with its guard, its ledger and its fingerprints, against {} of the same file into the empty table."""


def write_csv(path: Path, rows: int, more: int) -> None:
    """
    Write the file: text with commas, quotes and letters beyond ASCII, every fifth row with a note, the others NULL.

    Args:
        more: what the quantity of every hundredth row has more than in another file.
    """
    chance = random.Random(7)
    days = [(date(2020, 1, 1) + timedelta(day)).isoformat() for day in range(1500)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for i in range(1, rows + 1):
            name, note = f"{chance.choice(WORDS)} {chance.choice(WORDS)} {i % 9973}", "" if i % 5 else f"note {chance.choice(WORDS)}"
            amount, active = f"{chance.randrange(10**7) / 100:.2f}", "true" if i % 3 else "false"
            quantity = chance.randrange(1000) + (0 if i % 100 else more)
            writer.writerow((i, f"C{i:08d}", name, amount, quantity, days[i % 1500], active, note))


class Project:
    """A project whose one seed is the file, for a table of that name in a database of its own."""

    def __init__(self, folder: Path, name: str, url: DatabaseUrl, file: Path) -> None:
        self.folder = folder / f"project-{name}"
        self.folder.mkdir()
        self.url = url.render().reveal()
        self.file(file)
        text = f'project = "bench"\n[environments.{name}]\nurl = {{ env = "BENCH_URL" }}\nprotection = "open"\n'
        text += f'[[seeds]]\nname = "bench"\nfile = "seed.csv"\ntable = "{name}"\nenvironments = ["{name}"]\n'
        (self.folder / "lockgate.toml").write_text(text, encoding="utf-8")
        self.name = name
        self.lockgate("adopt", CONFIRM_ENV=name)

    def file(self, file: Path) -> None:
        """Let the seed's file be this one."""
        link = self.folder / "seed.csv"
        link.unlink(missing_ok=True)
        os.link(file, link)

    def lockgate(self, verb: str, *arguments: str, expect: str = "", **variables: str) -> Sample:
        """Call the command line."""
        argv = (sys.executable, "-m", "lockgate", verb, self.name, *arguments)
        return command(argv, self.folder, {"BENCH_URL": self.url, **variables}, expect)

    def seed(self, *arguments: str, expect: str) -> Sample:
        """Load the seed; `expect` is what the report must say."""
        return self.lockgate("seed", *arguments, expect=expect)


def counts(new: int, changed: int, equal: int) -> str:
    """The numbers as `--json` prints them."""
    return f'"new": {new},\n        "changed": {changed},\n        "equal": {equal}'


def _files(work: Workplace) -> tuple[tuple[Path, Path], int]:
    rows = _QUICK if work.wish.quick else _ROWS
    files = work.folder / "a.csv", work.folder / "b.csv"
    write_csv(files[0], rows, 0)
    write_csv(files[1], rows, 1)
    return files, rows


def postgres(work: Workplace) -> Section:
    """On PostgreSQL; between the runs, untimed, table and file are put back."""
    files, rows = _files(work)
    admins, projects = {}, {}
    for name in ("fresh", "kept"):
        work.server.create_database(name)
        admins[name] = psycopg.connect(work.server.url(name).render().reveal(), autocommit=True)
        admins[name].execute(TABLE.format(name).encode())
        projects[name] = Project(work.folder, name, work.server.url(name), files[0])
    fresh, kept = projects["fresh"], projects["kept"]
    kept.seed(expect="loaded")
    others = itertools.cycle(reversed(files))

    def put_back(name: str, *statements: str) -> None:
        for statement in (*statements, "checkpoint"):
            admins[name].execute(statement.encode())

    def another_file() -> None:
        kept.file(next(others))
        put_back("kept", "vacuum (analyze) kept")

    empty = partial(put_back, "fresh", "drop table fresh", TABLE.format("fresh"))
    tidy = partial(put_back, "kept", "vacuum (analyze) kept")
    hundredth = rows // 100
    copy = (program("psql"), "-Xqd", fresh.url, "-c", rf"\copy fresh from '{files[0]}' with (format csv, header true)")
    batches = (sys.executable, _BATCHES, work.server.url("fresh").with_driver("psycopg").render().reveal(), "fresh", str(files[0]))
    jobs = [
        Job(COPY, 0, lambda: command(copy, work.folder, {}), empty),
        Job("lockgate seed, empty table", 0, lambda: fresh.seed("--json", expect=counts(rows, 0, 0)), empty),
        Job("lockgate seed, 1 % changed", 0, lambda: kept.seed("--json", expect=counts(0, hundredth, rows - hundredth)), another_file),
        Job("lockgate seed, unchanged", 0, lambda: kept.seed(expect="nothing to do"), tidy),
        Job("lockgate seed --if-changed, unchanged", 0, lambda: kept.seed("--if-changed", expect="trusted")),
        Job("SQLAlchemy, batches, empty", 0, lambda: command(batches, work.folder, {}), empty, rounds=1),
    ]
    rounds = work.wish.rounds_or(_ROUNDS)
    series = work.turns(jobs, rounds, warmups=0)
    for admin in admins.values():
        admin.close()
    notes = ("SQLAlchemy ran once.",)
    return Section("seeds", "Seeds, PostgreSQL", _ABOUT.format("`psql \\copy`"), "", COPY, series, rounds=rounds, notes=notes)


def sqlite(work: Workplace) -> Section:
    """On SQLite; nothing runs where there is no shell to compare with."""
    rounds, shell = work.wish.rounds_or(_ROUNDS), shutil.which("sqlite3")
    series = work.turns(_sqlite_jobs(work, shell), rounds, warmups=0) if shell else ()
    notes = () if shell else ("The shell `sqlite3` is not installed here, and without it nothing was measured.",)
    return Section("seeds-sqlite", "Seeds, SQLite", _ABOUT.format("`.import` of SQLite's shell"), "", IMPORT, series, rounds=rounds, notes=notes)


def _sqlite_jobs(work: Workplace, shell: str) -> list[Job]:
    files, rows = _files(work)
    path = work.folder / "lite.db"

    def empty() -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(f"drop table if exists lite; {TABLE.format('lite')}; vacuum")

    empty()
    project = Project(work.folder, "lite", DatabaseUrl("sqlite", database=str(path)), files[0])
    hundredth, others = rows // 100, itertools.cycle(reversed(files))
    imported = (shell, str(path), "-cmd", ".mode csv", f".import --skip 1 {files[0]} lite")

    def loaded() -> Sample:
        project.file(files[0])
        return project.seed("--json", expect=counts(rows, 0, 0))

    return [
        Job(IMPORT, 0, lambda: command(imported, work.folder, {}), empty),
        Job("lockgate seed, empty table", 0, loaded, empty),
        Job(
            "lockgate seed, 1 % changed", 0,
            lambda: project.seed("--json", expect=counts(0, hundredth, rows - hundredth)), lambda: project.file(next(others)),
        ),
        Job("lockgate seed, unchanged", 0, lambda: project.seed(expect="nothing to do")),
    ]  # fmt: skip
