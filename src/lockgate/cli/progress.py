"""Bars for long reading: how much, how fast, how long still."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from lockgate.seeds.outcome import Loading


class Bars:
    """One bar per seed, from its first block on; gone when the work is done."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console, transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def tell(self, loading: Loading) -> None:
        """Move the bar of a seed."""
        self._progress.start()  # not before: revisions have a live line of their own, and a terminal has one last line
        if loading.name not in self._tasks:
            self._tasks[loading.name] = self._progress.add_task(f"{loading.doing} {loading.name}", total=loading.total_bytes, speed="")
        task = self._tasks[loading.name]
        seconds = self._progress.tasks[task].elapsed or 0.0
        speed = f"{loading.rows / seconds:,.0f} rows/s" if seconds else ""
        self._progress.update(task, completed=loading.read_bytes, total=loading.total_bytes, speed=speed)
