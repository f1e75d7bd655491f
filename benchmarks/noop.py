"""
Nothing to do: the database is at head; how long until the command has said so?

Three commands take turns (A B C A B C), so that other work on the machine disturbs all alike: `lockgate upgrade`, `alembic
upgrade head`, and the least that a Python tool can do: import psycopg, connect, ask for the version. The result is the ratio
of the medians to that least. Each tool has a database and a project of its own with the same history; Alembic's is not a
lockgate project, so its command runs without the gate.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from lockgate.scratch import temporary_server

BIN = Path(sys.executable).parent
BARE = """
import os, psycopg
connection = psycopg.connect(os.environ["URL"])
connection.execute("select version_num from alembic_version").fetchall()
connection.close()
"""
LOCKGATE_TOML = """\
[environments.dev]
url = { env = "DATABASE_URL" }
protection = "open"
export = ["DATABASE_URL"]
"""
ALEMBIC_INI = """\
[alembic]
script_location = %(here)s/migrations
"""
ENV_PY = """\
import os

from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
REVISION = '''\
"""Table {number}."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down!r}


def upgrade():
    op.create_table("t{number}", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text, nullable=False))


def downgrade():
    op.drop_table("t{number}")
'''


@dataclass(frozen=True)
class Contender:
    """One command, where it runs, and the variables it gets beside the process's own."""

    name: str
    argv: tuple[str, ...]
    folder: Path
    environ: Mapping[str, str]

    def run(self) -> float:
        """Run it once; return wall seconds."""
        environ = {**os.environ, **self.environ}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)  # with it, every start compiles every revision again
        start = time.perf_counter()
        done = subprocess.run(self.argv, cwd=self.folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        spent = time.perf_counter() - start
        if done.returncode != 0:
            raise SystemExit(f"{self.name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return spent


def write_project(folder: Path, revisions: int) -> Path:
    """Write an Alembic project with `revisions` revisions, one table each, as one line from base to head."""
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text(ALEMBIC_INI, encoding="utf-8")
    (folder / "migrations" / "env.py").write_text(ENV_PY, encoding="utf-8")
    down = None
    for number in range(1, revisions + 1):
        revision = f"r{number:05d}"
        text = REVISION.format(number=number, revision=revision, down=down)
        (versions / f"{revision}_table.py").write_text(text, encoding="utf-8")
        down = revision
    return folder


def interleaved(contenders: list[Contender], rounds: int) -> dict[str, float]:
    """Return the median of each; the first run of each is not counted: it applies the revisions and writes bytecode."""
    times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for number in range(-2, rounds):
        for contender in contenders:
            spent = contender.run()
            if number >= 0:
                times[contender.name].append(spent)
    return {name: median(spent) for name, spent in times.items()}


def main(rounds: int, revisions: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as folder, temporary_server() as server:
        urls = {}
        for name in ("gated", "plain"):
            server.create_database(name)
            urls[name] = server.url(name)
        gated = write_project(Path(folder, "gated"), revisions)
        (gated / "lockgate.toml").write_text(LOCKGATE_TOML, encoding="utf-8")
        plain = write_project(Path(folder, "plain"), revisions)
        with_driver = {name: url.with_driver("psycopg").render().reveal() for name, url in urls.items()}
        contenders = [
            Contender("lockgate upgrade dev", (str(BIN / "lockgate"), "upgrade", "dev"), gated, {"DATABASE_URL": with_driver["gated"]}),
            Contender("alembic upgrade head", (str(BIN / "alembic"), "upgrade", "head"), plain, {"DATABASE_URL": with_driver["plain"]}),
            Contender("bare psycopg", (sys.executable, "-c", BARE), plain, {"URL": urls["plain"].render().reveal()}),
        ]
        medians = interleaved(contenders, rounds)
    least = medians["bare psycopg"]
    print(f"at head, {revisions} revisions, medians of {rounds} rounds, as multiples of connecting with psycopg and asking once:")
    for name, spent in sorted(medians.items(), key=lambda pair: pair[1]):
        print(f"  {name:24} {spent / least:6.2f}")
