"""Real processes that cost milliseconds: forked from one that has imported lockgate, and ended the way the trial wants."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from building import Tiny

from lockgate.cli.main import main

PATIENCE_S = 150.0  # for anything that must come; a loaded machine is no fault
_PR_SET_PDEATHSIG = 1
_AS_A_SHELL_SAYS = {-signal.SIGTERM: 128 + signal.SIGTERM, -signal.SIGINT: 128 + signal.SIGINT}


def end_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Let the kernel send this process a signal when the one that started it ends, however that ends; Linux only."""
    with suppress(AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number))


@dataclass
class Child:
    """A forked process; its output is in `<log>.out` and `<log>.err`."""

    pid: int
    log: Path
    status: int | None = None

    def ended(self) -> bool:
        """Whether it is over."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                # Before and after lockgate's own handlers a signal ends any process so; `$?` is the same.
                self.status = _AS_A_SHELL_SAYS.get(code, code)
        return self.status is not None

    def wait(self) -> int:
        """Wait for its end; the exit status, negative for a signal that nobody handled."""
        give_up = time.monotonic() + PATIENCE_S
        while not self.ended():
            if time.monotonic() > give_up:
                self.signal(signal.SIGKILL)
                raise AssertionError(f"still running after {PATIENCE_S:g} s:\n{self.said}")
            time.sleep(0.003)
        assert self.status is not None
        return self.status

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal; whether there was somebody to hear it."""
        if not self.ended():
            os.kill(self.pid, number)
            return True
        return False

    @property
    def said(self) -> str:
        """What it has written so far, to both streams."""
        return "".join(self.log.with_suffix(end).read_text(encoding="utf-8", errors="replace") for end in (".out", ".err"))


def fork(work: Callable[[], int], log: Path, folder: Path) -> Child:
    """Run a function in a process of its own; its return value is the exit status."""
    streams = [os.open(log.with_suffix(end), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND) for end in (".out", ".err")]
    pid = os.fork()
    if pid:
        for stream in streams:
            os.close(stream)
        return Child(pid, log)
    status = 70
    try:
        end_with_parent()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, stream in enumerate(streams, 1):
            os.dup2(stream, number)
        sys.stdout, sys.stderr = (os.fdopen(os.dup(number), "w", buffering=1, encoding="utf-8") for number in (1, 2))
        os.chdir(folder)
        status = work()
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def command_line(project: Tiny, *arguments: str, log: str, before: Callable[[], object] | None = None, **variables: str) -> Child:
    """
    Start `lockgate ARGUMENTS` in a process of its own.

    Args:
        before: called in the new process first; arms a fault.
    """

    def work() -> int:
        os.environ.update({**project.environ, **variables})
        if before:
            before()
        try:
            main(list(arguments))
        except SystemExit as done:
            return int(done.code or 0)
        return 0

    return fork(work, project.folder / log, project.folder)
