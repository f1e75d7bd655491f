"""`make bench`: how fast lockgate is, beside its peers and beside what is possible at all, on throw-away databases."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial

from benchmarks import help as help_  # the built-in has the name
from benchmarks import keeping, noop, page, pending, replay, rivals, seeds, snapshots, test_databases
from benchmarks.figures import Result
from benchmarks.machine import machine, versions
from benchmarks.workplace import Measurement, Wish, load, workplace
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

MEASUREMENTS: dict[str, tuple[Measurement, ...]] = {
    "noop": (noop.postgres, noop.sqlite),
    "help": (help_.measure,),
    "replay": (replay.postgres, replay.sqlite),
    "pending": (pending.measure,),
    "databases": (test_databases.postgres, test_databases.sqlite),
    "seeds": (seeds.postgres, seeds.sqlite),
    "snapshot": (snapshots.measure,),
    "rivals": (rivals.measure,),
}


def main() -> None:
    """Measure, and keep what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=MEASUREMENTS, nargs="+", metavar="NAME", help=f"some of: {', '.join(MEASUREMENTS)}")
    parser.add_argument("--rounds", type=int, default=0, help="how often everything is timed (default: each has its own number)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one round: whether it works, not how fast")
    parser.add_argument("--keep", action="store_true", help="with `--only`: put what was measured into docs/performance.md, too")
    parser.add_argument("--page", action="store_true", help="measure nothing; write docs/performance.md again")
    arguments = parser.parse_args()
    if arguments.quick and arguments.keep:
        parser.error("--quick measures nothing worth keeping")
    if arguments.page:
        keeping.write_page()
        return
    result = measured(arguments.only or list(MEASUREMENTS), Wish(arguments.rounds, arguments.quick))
    keeping.write(result, keeping.LATEST)
    if arguments.keep or not (arguments.quick or arguments.only):
        keeping.write(keeping.merged(keeping.read(keeping.KEPT), result), keeping.KEPT)
        keeping.write_page()


def measured(names: list[str], wish: Wish) -> Result:
    """Run the measurements, print each one's tables when it is done, show on a terminal how far it is."""
    found, facts = [], machine()
    columns = (TextColumn("{task.description:12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        whole = progress.add_task("all", total=sum(len(MEASUREMENTS[name]) for name in names))
        for name in names:
            for measurement in MEASUREMENTS[name]:
                task, at_start = progress.add_task(name, total=None), load()
                with workplace(wish, partial(_turns, progress, task), partial(progress.advance, task)) as work:
                    section = replace(measurement(work), load=at_start)
                progress.remove_task(task)
                progress.advance(whole)
                print(f"{section.title}\n\n{page.tables(section)}", flush=True)
                print("\n".join([*section.notes, *(f"{each.contender}: {each.error}" for each in section.series if each.error)]), flush=True)
                found.append(section)
    return Result(facts, versions(), tuple(found))


def _turns(progress: Progress, task: TaskID, turns: int) -> None:
    progress.reset(task, total=turns)


if __name__ == "__main__":
    main()
