"""`python -m faults`: run the matrix, and write the page out of its results."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click
from faults.matrix import BY_NAME, ROWS, TrialBroke, jobs, play
from faults.page import page
from faults.rows import Row
from faults.servers import unmount
from faults.trial import Result
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

_STOPPING_S = 20.0


@click.command(epilog="Rows: " + ", ".join(BY_NAME))
@click.option("--trials", default=0, metavar="N", help="Trials of each row; the default is 100, and 50 for MariaDB.")
@click.option("--rows", default="", metavar="NAMES", help="Only these rows, or those whose name begins so; separated by blanks or commas.")
@click.option("--workers", default=2, show_default=True, metavar="N", help="Processes with servers of their own.")
@click.option("--page", "target", type=click.Path(path_type=Path), help="File to write the matrix to.")
@click.option("--raw", type=click.Path(path_type=Path), help="File to write every result to, as JSON.")
@click.option("--strict/--lenient", default=True, help="Whether times count: not on a machine that is busy with something else.")
def main(trials: int, rows: str, workers: int, target: Path | None, raw: Path | None, strict: bool) -> None:
    """Break runs off in every way that is known, and count what is lost; exit 1 where something is not as promised."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = _chosen(rows)
    folder = Path(tempfile.mkdtemp(prefix="lockgate-faults-"))
    folder.chmod(0o711)  # PostgreSQL runs as another user where this is root
    began, results = time.monotonic(), list[Result]()
    try:
        missing = {row.name: reason for row in chosen if (reason := row.why_not(folder / "try"))}
        _play([row for row in chosen if row.name not in missing], trials, workers, folder, results, strict)
    except KeyboardInterrupt:
        _report(chosen, results, {}, time.monotonic() - began)
        sys.exit(130)
    except TrialBroke as error:
        _report(chosen, results, {}, time.monotonic() - began)
        sys.exit(f"a trial did not work:\n{error}")
    finally:
        _clear(folder)
    seconds = time.monotonic() - began
    if raw:
        raw.parent.mkdir(parents=True, exist_ok=True)
        raw.write_text(json.dumps({"missing": missing, "results": [asdict(result) for result in results]}, indent=1), encoding="utf-8")
    if target:
        target.write_text(page(chosen, results, missing, seconds), encoding="utf-8")
    _report(chosen, results, missing, seconds)
    sys.exit(any(result.problems for result in results))


def _chosen(names: str) -> list[Row]:
    words = names.replace(",", " ").split()
    chosen = [row for row in ROWS if not words or any(row.name.startswith(word) for word in words)]
    if not chosen:
        raise click.UsageError(f"there is no row `{names}`")
    return chosen


def _play(rows: list[Row], trials: int, workers: int, folder: Path, results: list[Result], strict: bool) -> None:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    todo = jobs(rows, trials, strict=strict)
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("trials", total=sum(len(job.numbers) for job in todo))

        def told(result: Result) -> None:
            results.append(result)
            wrong = sum(bool(result.problems) for result in results)
            progress.update(task, advance=1, description=f"{result.row}{f', {wrong} wrong' if wrong else ''}")

        play(todo, workers, folder, told)


def _clear(folder: Path) -> None:
    """Wait for the servers, which end with their workers, and remove everything."""
    give_up = time.monotonic() + _STOPPING_S
    while any(folder.glob("*/pg/data/postmaster.pid")) and time.monotonic() < give_up:
        time.sleep(0.1)
    for disk in [*folder.glob("*/disk"), *folder.glob("*/files"), folder / "try"]:
        if os.path.ismount(disk):
            unmount(disk)
    shutil.rmtree(folder, ignore_errors=True)


def _report(rows: list[Row], results: list[Result], missing: dict[str, str], seconds: float) -> None:
    for row in rows:
        mine = [result for result in results if result.row == row.name]
        wrong = [result for result in mine if result.problems]
        exits = ", ".join(f"{name} {count}x" for name, count in sorted(Counter(name for result in mine for name in result.exits).items()))
        times = [result.seconds for result in mine if result.seconds is not None]
        longest = f", at most {max(times):.2f} s" if times else ""
        found = f"{len(mine)} trials, {len(wrong)} wrong; exit {exits}{longest}"
        print(f"{row.name}: {f'not run, {missing[row.name]}' if row.name in missing else found}")
        for result in wrong:
            print(f"  trial {result.number}: " + "\n    ".join(result.problems))
    print(f"{len(results)} trials in {seconds:.0f} s")


if __name__ == "__main__":
    main()
