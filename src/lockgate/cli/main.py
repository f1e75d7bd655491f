"""
The console entry. argv and the process's environment are read here, once.

Imports next to nothing itself: how Python collects garbage is decided before the rest is read.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from lockgate.garbage import collect_rarely

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]


def main(argv: list[str] | None = None) -> None:
    """
    Run the command line and leave with its exit status.

    Args:
        argv: from a program that goes on afterwards; None where the process is the command line's own, which then ends at once.
    """
    if argv is not None:
        sys.exit(_run(argv))
    _leave_no_core()
    collect_rarely()
    status = _run(sys.argv[1:])
    from lockgate.cli.leaving import leave

    leave(status)


def _leave_no_core() -> None:
    """Let a crash write no image of this process's memory, in which a fetched password is; a program that uses the library decides that itself."""
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _run(arguments: list[str]) -> int:
    from lockgate.cli.call import Face
    from lockgate.cli.command import run
    from lockgate.cli.output import Output

    environ = dict(os.environ)
    # read before click parses: a usage error has to come out in the shape that was asked for
    stdout, stderr, stdin = (_there(stream) for stream in (sys.stdout, sys.stderr, sys.stdin))
    output = Output(stdout, stderr, stdin, environ, json="--json" in arguments, debug="--debug" in arguments)
    return run(arguments, Face(environ, output))


def _there(stream: TextIO | None) -> TextIO:
    """Return a stream to write to or read from, also where the caller closed it (`>&-`) and Python has None."""
    return stream or io.StringIO()
