"""
The only place that prints: data to stdout, talk to stderr, colour on terminals only.

Whatever goes out is redacted first and coloured afterwards, for redacting takes control characters away. rich is
imported where a table or a live line is drawn on a terminal, and nowhere else; `--help` reads none of our nouns either.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

    from lockgate.cli.live import LiveLine
    from lockgate.events import Event, Notify
    from lockgate.outcome import Outcome
    from lockgate.report.table import Block
    from lockgate.seeds.outcome import Watch
    from lockgate.words import Step, StepDone

_PAINT = {"error:": "1;31", "warning:": "1;33", "hint:": "36", "note:": "36"}
_TONES = {"failed": "red", "refused": "red", "cannot be seen": "red", "locked": "yellow", "confirm": "yellow", "applied": "green"}


@dataclass
class Watched:
    """What a run has told so far: the truth about `changed` when it is cut off."""

    environment: str = ""
    acting: bool = False
    running: Step | None = None
    left_transaction: bool = False
    committed: list[StepDone] = field(default_factory=list)
    noted: set[str] = field(default_factory=set)

    def hear(self, happened: Event) -> None:
        """Take one event in."""
        from lockgate.events import Applied, LeftTransaction, Notice, Started

        if isinstance(happened, Started):
            self.running, self.left_transaction = happened.step, False
        elif isinstance(happened, Applied):
            self.running = None
            self.committed.append(happened.done)
        elif isinstance(happened, LeftTransaction):
            self.left_transaction = True
        elif isinstance(happened, Notice):
            self.noted.add(happened.text)


class Output:
    """
    The three streams of the process and how they are written to.

    Args:
        json: one JSON document on stdout is all that the caller wants there.
        debug: show the traceback of every error.
    """

    def __init__(
        self, stdout: TextIO, stderr: TextIO, stdin: TextIO, environ: Mapping[str, str], *, json: bool = False, debug: bool = False
    ) -> None:
        self._stdout, self._stderr, self._stdin = stdout, stderr, stdin
        self.json, self.debug, self.quiet = json, debug, False
        self.watched = Watched()
        self._no_colour = bool(environ.get("NO_COLOR"))
        self._dumb = environ.get("TERM") == "dumb"
        for stream in (stdout, stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a report must not die of a terminal that is not UTF-8

    @property
    def interactive(self) -> bool:
        """Whether somebody sits there who can be asked."""
        return not self.json and self._stdin.isatty() and self._stderr.isatty()

    def show(self, blocks: Sequence[Block]) -> None:
        """Write a report for people to stdout."""
        from lockgate.report.table import Table, plain

        if not self._draws(self._stdout) or not any(isinstance(block, Table) for block in blocks):
            self._data(_redacted(plain(blocks)))
            return
        console = self._console(self._stdout)
        for block in blocks:
            _draw(console, block)

    def document(self, text: str) -> None:
        """Write one finished document to stdout as it is: JSON that is redacted already, or the URL of `lockgate url`."""
        self._data(text)

    def talk(self, text: str) -> None:
        """Write a line about the course of things to stderr, unless the user wants quiet."""
        if not self.quiet:
            self._say(text)

    def warn(self, text: str) -> None:
        """Write a warning to stderr."""
        self._say(f"warning: {text}")

    def fail(self, text: str, trace: str = "") -> None:
        """Write an error in its finished format to stderr, after its traceback where there is one."""
        self._say(f"{trace}\n{text}" if trace else text)

    def ask(self, text: str, question: str) -> str:
        """Show `text` and a question on stderr and return the line typed; empty at the end of the input."""
        self._say(text)
        self._write(self._stderr, _redacted(question))
        try:
            return self._stdin.readline().strip()
        except KeyboardInterrupt:
            self._say("")  # the message begins on a line of its own
            raise

    def read_secret(self, question: str) -> str:
        """Return the first line of stdin, without an echo on a terminal."""
        if not self._stdin.isatty():
            return self._stdin.readline().strip()
        from getpass import getpass

        return getpass(question, self._stderr).strip()

    @contextmanager
    def live(self, environment: str, acting: bool) -> Iterator[Notify]:
        """Give a run the listener for its events: a live line on a terminal, plain lines in a pipe, nothing when quiet."""
        self.watched.environment, self.watched.acting = environment, acting
        from lockgate.events import Tracing
        from lockgate.report.text import event as event_line

        line = self._live_line()

        def hear(happened: Event) -> None:
            self.watched.hear(happened)
            if line:
                line.hear(happened)
            elif not isinstance(happened, Tracing):  # of use while it moves, and a line per revision in a log is not
                self.talk(event_line(happened))

        try:
            yield hear
        finally:
            if line:
                line.close()

    @contextmanager
    def progress(self) -> Iterator[Watch]:
        """Hear how far files have been read, and draw it on a terminal; a pipe is told at the end."""
        if self.json or self.quiet or not self._draws(self._stderr):
            yield lambda loading: None
            return
        from lockgate.cli.progress import Bars

        with Bars(self._console(self._stderr)) as bars:
            yield bars.tell

    def unheard(self, done: Outcome) -> tuple[str, ...]:
        """Return the notices of an outcome that the user has not read as live lines."""
        return tuple(note for note in done.notices if self.quiet or note not in self.watched.noted)

    def _live_line(self) -> LiveLine | None:
        if self.quiet or self.json or not self._draws(self._stderr):
            return None
        from lockgate.cli.live import LiveLine

        return LiveLine(self._console(self._stderr), self._say)

    def _draws(self, stream: TextIO) -> bool:
        return stream.isatty() and not self._dumb

    def _console(self, stream: TextIO) -> Console:
        from rich.console import Console

        return Console(file=stream, color_system=None if self._no_colour else "auto", markup=False, highlight=False, emoji=False)

    def _say(self, text: str) -> None:
        clean = _redacted(text)
        try:
            self._write(self._stderr, (_painted(clean) if self._draws(self._stderr) and not self._no_colour else clean) + "\n")
        except OSError:
            _forget(self._stderr)  # nobody hears: a run must not fail halfway because its log is full or closed

    def _data(self, text: str) -> None:
        try:
            self._write(self._stdout, text + "\n")
        except BrokenPipeError:
            _forget(self._stdout)  # `| head` has read enough; what was done stays done, and the exit status still says it

    def _write(self, stream: TextIO, text: str) -> None:
        stream.write(text)
        stream.flush()


def _redacted(text: str) -> str:
    from lockgate.secret import redact

    return redact(text)


def _forget(stream: TextIO) -> None:
    """Point a stream whose reader is gone at nothing; otherwise Python's own flush at exit complains once more."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)


def _painted(text: str) -> str:
    """Return a text with the first word of its lines coloured where that word is one of ours."""
    return "\n".join(_painted_line(line) for line in text.split("\n"))


def _painted_line(line: str) -> str:
    word = line.split(" ", 1)[0]
    return f"\x1b[{_PAINT[word]}m{word}\x1b[0m{line[len(word) :]}" if word in _PAINT else line


def _draw(console: Console, block: Block) -> None:
    from rich.table import Table as Drawn
    from rich.text import Text

    if isinstance(block, str):
        console.print(Text(_redacted(block)), soft_wrap=True)  # a line that is to be pasted must stay one
        return
    drawn = Drawn(box=None, header_style="bold", pad_edge=False)
    for column in block.columns:
        drawn.add_column(Text(column), overflow="fold")
    for row in block.rows:
        drawn.add_row(*(Text(_redacted(text), _TONES.get(text, "")) for text in row))
    console.print(drawn)
