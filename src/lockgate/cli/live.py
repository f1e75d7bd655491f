"""The live line of a run on a terminal: the revision under way with its running time, finished ones above it."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from lockgate.events import Applied, Event, Started
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
        self._say = say
        self._task: TaskID | None = None

    def hear(self, happened: Event) -> None:
        """Show one event."""
        if isinstance(happened, Started):
            self.close()
            self._task = self._progress.add_task(event_line(happened), total=None)
            self._progress.start()
            return
        if isinstance(happened, Applied):
            self.close()
            self._say(event_line(happened))
            return
        self._progress.console.print(event_line(happened), soft_wrap=True)

    def close(self) -> None:
        """Take the live line off the screen."""
        if self._task is not None:
            self._progress.stop()
            self._progress.remove_task(self._task)
            self._task = None
