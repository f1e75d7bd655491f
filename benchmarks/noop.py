"""
Nothing to do: the database is at head; how long until the command has said so?

The limit is the least that a tool in Python can do: import the driver, connect, ask for the version. Each tool has a database and a
project of its own with the same history; Alembic's is not a lockgate project, so its command runs without the gate.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from benchmarks.figures import Section, Series
from benchmarks.histories import mixed
from benchmarks.measure import Job
from benchmarks.targets import ALEMBIC, ALEMBIC_EACH
from benchmarks.tools import Place, Tool, bare, present, psql_select, tools
from benchmarks.workplace import Workplace

# SQLite waits for the disk at every revision: bringing all tools to the head of the longest history would take minutes.
_SIZES, _SIZES_LITE, _QUICK = (1, 100, 1000, 3000), (1, 100, 1000), (1, 10)
_ROUNDS = 11
_ABOUT = """\
The database is at head; how long until the command has said so? The limit is a fresh Python that imports the driver, connects and
asks for the version. lockgate's figures contain its gate, and the check that no revision was edited."""


def postgres(work: Workplace) -> Section:
    """On PostgreSQL."""
    return _measure(work, "postgresql", "noop", "Nothing to do, PostgreSQL", work.wish.sizes(_SIZES, _QUICK))


def sqlite(work: Workplace) -> Section:
    """On SQLite."""
    return _measure(work, "sqlite", "noop-sqlite", "Nothing to do, SQLite", work.wish.sizes(_SIZES_LITE, _QUICK))


def _measure(work: Workplace, backend: str, name: str, title: str, sizes: Sequence[int]) -> Section:
    able, notes = present([tool for tool in tools() if tool.name != ALEMBIC_EACH])
    rounds, series = work.wish.rounds_or(_ROUNDS), list[Series]()
    for size in sizes:
        places = work.at_head(work.projects(able, mixed(size), backend), size)
        limits = _limits(places, backend)
        series += work.turns([Job(tool.name, size, partial(tool.run, place)) for tool, place in (places | limits).items()], rounds)
        work.forget(places)
    most = ", ".join(f"{tool.name} up to {tool.most:,}" for tool in able if 0 < tool.most < max(sizes))
    notes += (f"Not with the longest history, because bringing it there takes too long: {most} revisions.",) if most else ()
    return Section(name, title, _ABOUT, "revisions", bare(backend).name, (*series, *work.failed), rounds=rounds, notes=notes)


def _limits(places: dict[Tool, Place], backend: str) -> dict[Tool, Place]:
    """They ask the database that Alembic brought to head."""
    place = next((place for tool, place in places.items() if tool.name == ALEMBIC), None)
    asked = present([bare(backend), *([psql_select()] if backend == "postgresql" else [])])[0]
    return {tool: place for tool in asked} if place else {}
