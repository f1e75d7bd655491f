"""What Python's garbage collector does in a process that is lockgate's own; in anybody else's it is left alone."""

from __future__ import annotations

import atexit
import gc
import io
import os
import stat
from contextlib import suppress

# Start-up makes many objects and throws few away: Python's own threshold looks through all of them a dozen times.
_COLLECT_AFTER = 100_000  # objects; about 10 MB
_own_process = False


def collect_rarely() -> None:
    """Say that this process is the command's own and ends with it."""
    global _own_process
    _own_process = True
    gc.set_threshold(_COLLECT_AFTER)


def keep_what_is_there() -> None:
    """
    Let all that was made so far stay until the process ends; for the moment when libraries were read and a project's code was not.

    Libraries live as long as the process anyway; looking through them and, at the end, taking them apart takes as long as importing
    them. What the project's code makes is collected and freed as ever, so that Python writes what its open files buffer.
    """
    if not _own_process or gc.get_freeze_count():
        return
    gc.freeze()
    atexit.register(_flush_open_files)  # called after all that the project's code will have registered


def _flush_open_files() -> None:
    """Write what files buffer that were opened since, also where something that stays knows them: nobody would free them, and so write it."""
    opened = [one for one in gc.get_objects() if type(one) in (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)]
    for file in sorted(opened, key=lambda one: not isinstance(one, io.TextIOWrapper)):  # a text is handed on to the bytes below it
        with suppress(OSError, ValueError):  # closed
            # Not a pipe: a thread may be waiting in it until somebody reads, and nobody else gets in before.
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                file.flush()
