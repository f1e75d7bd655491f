"""`make bench`: how fast lockgate is, beside its peers and beside what is possible at all, on throw-away databases."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial

from benchmarks import help as help_  # the built-in has the name
from benchmarks import keeping, noop, page, pending, plan, replay, rivals, seeds, snapshots, test_databases
from benchmarks.figures import Result, Section
from benchmarks.machine import machine, versions
from benchmarks.measure import Failed
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
    "plan": (plan.measure,),
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
    sys.exit(measure(arguments.only or list(MEASUREMENTS), Wish(arguments.rounds, arguments.quick), arguments.keep))


def measure(names: list[str], wish: Wish, keep: bool) -> int:
    """Run the measurements; return an exit status: 1 where one of them could not be made, the others are kept all the same."""
    result, failed = Result(machine(), versions(), ()), 0
    columns = (TextColumn("{task.description:12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        asked = [(name, measurement) for name in names for measurement in MEASUREMENTS[name]]
        whole = progress.add_task("all", total=len(asked))
        for name, measurement in asked:
            try:
                section = _measured(measurement, wish, progress, name)
            except Failed as error:
                failed += 1
                print(f"{name} could not be measured: {error}", file=sys.stderr)
            else:
                result = replace(result, sections=(*result.sections, section))
                keeping.write(result, keeping.LATEST)  # now: much later may go wrong
            progress.advance(whole)
    if keep or not (wish.quick or len(names) < len(MEASUREMENTS)):
        keeping.write(keeping.merged(keeping.read(keeping.KEPT), result), keeping.KEPT)
        keeping.write_page()
    return 1 if failed else 0


def _measured(measurement: Measurement, wish: Wish, progress: Progress, name: str) -> Section:
    """Show on a terminal how far it is, and print its tables at the end."""
    task, at_start = progress.add_task(name, total=None), load()
    try:
        with workplace(wish, partial(_turns, progress, task), partial(progress.advance, task)) as work:
            section = replace(measurement(work), load=at_start)
    finally:
        progress.remove_task(task)
    errors = [f"{series.contender}: {series.error}" for series in section.series if series.error]
    print("\n".join([section.title, "", page.tables(section), *section.notes, *errors, ""]), flush=True)
    return section


def _turns(progress: Progress, task: TaskID, turns: int) -> None:
    progress.reset(task, total=turns)


if __name__ == "__main__":
    main()
