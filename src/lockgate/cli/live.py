"""The live line of a run on a terminal: the revision under way with its running time, finished ones above it; of a plan, a bar."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from lockgate.events import Applied, Event, Started, Tracing
from lockgate.report.text import event as event_line


class LiveLine:
    """
    Draws on the console it is given; only while a revision runs, so that a prompt or an error finds a quiet terminal.

    Args:
        say: writes one finished line, redacted and coloured.
    """

    def __init__(self, console: Console, say: Callable[[str], None]) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        bar = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._bar = Progress(*bar, console=console, transient=True)
        self._traced: TaskID | None = None
        self._say = say
        self._task: TaskID | None = None

    def hear(self, happened: Event) -> None:
        """Show one event."""
        if isinstance(happened, Tracing):
            self._move(happened)
            return
        if isinstance(happened, Started):
            self.close()
            self._task = self._progress.add_task(event_line(happened), total=None)
            self._progress.start()
            return
        if isinstance(happened, Applied):
            self.close()
            self._say(event_line(happened))
            return
        self._close_bar()
        self._progress.console.print(event_line(happened), soft_wrap=True)

    def _move(self, tracing: Tracing) -> None:
        """Move the bar of a plan; what is counted is done, so the revision under way is not."""
        if self._traced is None:
            self._traced = self._bar.add_task(event_line(tracing), total=tracing.total or None)
            self._bar.start()
        self._bar.update(self._traced, description=event_line(tracing), completed=tracing.number - 1, total=tracing.total or None)

    def close(self) -> None:
        """Take the live line off the screen."""
        self._close_bar()
        if self._task is not None:
            self._progress.stop()
            self._progress.remove_task(self._task)
            self._task = None

    def _close_bar(self) -> None:
        if self._traced is not None:
            self._bar.stop()
            self._bar.remove_task(self._traced)
            self._traced = None
