"""Leaving the process without taking every module apart, which takes Python as long as importing a driver."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import NoReturn

_TOOLS = 6  # places that `sys.monitoring` has
_PROJECT_RAN_BY = "alembic"
_NOT_FLUSHED = 120  # what Python itself ends with where its output could not be written


def leave(status: int) -> NoReturn:
    """
    End the process at once with `status`, after everything that Python owes: threads, what was registered with `atexit`, output.

    In Python's own order (`Py_FinalizeEx`). What is left out is the freeing of memory and the end of daemon threads. A profiler or
    a debugger that runs the command goes on when it is done, so there it ends as any program does; and where env.py ran, which may
    have left files open: Python writes what they buffer, and deletes temporary ones, when it frees them. That takes little time,
    because libraries are not among it (`lockgate.garbage`).
    """
    if _is_watched() or _PROJECT_RAN_BY in sys.modules:
        # A Ctrl-C that went through an `exec`, as imports make many, is remembered after it was answered: under `python -m` the process
        # would end by SIGINT whatever its status. The next `exec` forgets it (CPython, `run_eval_code_obj` and `Py_RunMain`).
        exec("")
        sys.exit(status)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except OSError:
            status = _NOT_FLUSHED
    os._exit(status)


def _is_watched() -> bool:
    monitoring = getattr(sys, "monitoring", None)  # Python 3.12 and later
    tools = monitoring is not None and any(monitoring.get_tool(number) for number in range(_TOOLS))
    return bool(sys.gettrace() or sys.getprofile() or tools)
