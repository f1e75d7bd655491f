"""One revision is pending: what does the length of the history behind it cost?"""

from __future__ import annotations

from functools import partial

from benchmarks.figures import Section, Series
from benchmarks.histories import mixed
from benchmarks.measure import Job
from benchmarks.targets import ALEMBIC, LOCKGATE
from benchmarks.tools import Place, Tool, present, tools
from benchmarks.workplace import Workplace

_SIZES, _QUICK = (10, 3000), (5, 10)
_ROUNDS = 7
_ABOUT = """\
One revision is pending, of a short and of a long history. All are multiples of lockgate with the short one. Between the runs, untimed,
each tool takes the revision back."""
_DOWNGRADE = {LOCKGATE: ("downgrade", "dev", "-1"), ALEMBIC: ("downgrade", "-1")}


def measure(work: Workplace) -> Section:
    """On PostgreSQL."""
    able, notes = present([tool for tool in tools() if tool.name in _DOWNGRADE])
    rounds, sizes, jobs = work.wish.rounds_or(_ROUNDS), work.wish.sizes(_SIZES, _QUICK), list[Job]()
    for size in sizes:
        for tool, place in work.at_head(work.projects(able, mixed(size)), size).items():
            jobs.append(Job(tool.name, size, partial(tool.run, place), partial(_back, tool, place)))
    series: tuple[Series, ...] = (*work.turns(jobs, rounds), *work.failed)
    return Section("pending", "One revision pending", _ABOUT, "revisions", LOCKGATE, series, sizes[0], rounds, notes=notes)


def _back(tool: Tool, place: Place) -> None:
    tool.call(place, *_DOWNGRADE[tool.name], CONFIRM_ENV="dev")
