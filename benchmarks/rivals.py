"""Eight copies of the same command at once, as when eight instances of a service start: how long until the last has ended?"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from benchmarks.figures import Sample, Section
from benchmarks.histories import mixed
from benchmarks.measure import Failed, Job
from benchmarks.targets import ALEMBIC, LOCKGATE
from benchmarks.tools import Place, Tool, present, tools
from benchmarks.workplace import Workplace

_RIVALS = 8
_LENGTH, _QUICK = 100, 10
_ROUNDS = 5
_ABOUT = f"""\
{_RIVALS} copies of the same command start at once on an empty database and a history of {_LENGTH} revisions, as when {_RIVALS} instances of a
service start: how long until the last has ended, as multiples of one copy of lockgate alone? lockgate lets one work and the others wait, and
all end well; Alembic has no lock."""


def measure(work: Workplace) -> Section:
    """On PostgreSQL."""
    able, notes = present([tool for tool in tools() if tool.name in (LOCKGATE, ALEMBIC)])
    ended: dict[str, list[int]] = {tool.name: [] for tool in able}
    places = work.projects(able, mixed(_QUICK if work.wish.quick else _LENGTH))
    jobs = []
    for copies in (1, _RIVALS):
        for tool, place in places.items():
            run = partial(_together, tool, place, copies, ended[tool.name])
            jobs.append(Job(tool.name, copies, run, partial(work.empty, place)))
    rounds = work.wish.rounds_or(_ROUNDS)
    series = work.turns(jobs, rounds)
    notes += tuple(_note(name, failures) for name, failures in ended.items())
    return Section("rivals", f"{_RIVALS} rivals", _ABOUT, "copies at once", LOCKGATE, series, 1, rounds, notes=notes)


def _together(tool: Tool, place: Place, copies: int, failures: list[int]) -> Sample:
    began = time.perf_counter()
    with ThreadPoolExecutor(copies) as pool:
        samples = list(pool.map(lambda _: _or_nothing(tool, place), range(copies)))
    spent = time.perf_counter() - began
    well = [sample for sample in samples if sample]
    if copies > 1:
        failures.append(copies - len(well))
    elif not well:
        raise Failed(f"{tool.name} failed without rivals")
    return Sample(spent, sum(sample.cpu_s for sample in well), max((sample.peak_mib for sample in well), default=0.0))


def _or_nothing(tool: Tool, place: Place) -> Sample | None:
    """A copy that fails has an end, too."""
    try:
        return tool.run(place)
    except Failed:
        return None


def _note(name: str, failures: list[int]) -> str:
    worst = max(failures, default=0)
    return f"{name}: of {_RIVALS} copies at once, {f'up to {worst} ended with an error' if worst else 'none ended with an error'}."
