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
from faults.matrix import BY_NAME, ROWS, WorkerEnded, jobs, play
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
@click.option("--raw", type=click.Path(path_type=Path), help="File to write every result to, as JSON; also where this is broken off.")
@click.option("--merge", is_flag=True, help="Keep what the --raw file has of other rows, from a run of the same code that was broken off.")
@click.option("--strict/--lenient", default=True, help="Whether times count: not on a machine that is busy with something else.")
def main(trials: int, rows: str, workers: int, target: Path | None, raw: Path | None, merge: bool, strict: bool) -> None:
    """Break runs off in every way that is known, and count what is lost; exit 1 where something is not as promised."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = _chosen(rows)
    folder = Path(tempfile.mkdtemp(prefix="lockgate-faults-"))
    folder.chmod(0o711)  # PostgreSQL runs as another user where this is root
    began, missing = time.monotonic(), dict[str, str]()
    seconds, results = _read(raw, chosen) if raw and merge else (0.0, [])
    try:
        missing |= {row.name: reason for row in chosen if (reason := row.why_not(folder / "try"))}
        _play([row for row in chosen if row.name not in missing], trials, workers, folder, results, strict)
    except KeyboardInterrupt:
        sys.exit(130)
    except WorkerEnded as error:
        sys.exit(str(error))
    finally:
        _clear(folder)
        seconds += time.monotonic() - began
        if raw:
            raw.parent.mkdir(parents=True, exist_ok=True)
            found = {"missing": missing, "seconds": seconds, "results": [asdict(result) for result in results]}
            raw.write_text(json.dumps(found, indent=1), encoding="utf-8")
        _report(list(ROWS) if merge else chosen, results, missing, seconds)
    if target:
        target.write_text(page(ROWS if merge else chosen, results, missing, seconds), encoding="utf-8")
    sys.exit(any(result.problems for result in results))


def _read(raw: Path, chosen: list[Row]) -> tuple[float, list[Result]]:
    """Return the seconds that earlier trials took, and their results but for those of rows that are run now."""
    before = json.loads(raw.read_text(encoding="utf-8"))
    anew = {row.name for row in chosen}
    return before["seconds"], [Result(**result) for result in before["results"] if result["row"] not in anew]


def _chosen(names: str) -> list[Row]:
    words = names.replace(",", " ").split()
    chosen = [row for row in ROWS if not words or any(row.name.startswith(word) for word in words)]
    if not chosen:
        raise click.UsageError(f"there is no row `{names}`")
    return chosen


def _play(rows: list[Row], trials: int, workers: int, folder: Path, results: list[Result], strict: bool) -> None:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    todo, console = jobs(rows, trials, strict=strict), Console(stderr=True)
    left = Counter({job.row: sum(len(other.numbers) for other in todo if other.row == job.row) for job in todo})
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("trials", total=left.total())

        def told(result: Result) -> None:
            results.append(result)
            wrong = sum(bool(result.problems) for result in results)
            progress.update(task, advance=1, description=f"{result.row}{f', {wrong} wrong' if wrong else ''}")
            left[result.row] -= 1
            if not console.is_terminal and not left[result.row]:
                console.print(f"{result.row}: done, {left.total()} trials to go, {wrong} wrong", highlight=False)

        play(todo, workers, folder, told)


def _clear(folder: Path) -> None:
    """Wait for the servers, which end with their workers, and remove everything; a second signal must not leave a disk mounted."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
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
