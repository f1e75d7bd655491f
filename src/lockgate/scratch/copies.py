"""Folders for copies of SQLite files, which hold what a live database holds: gone at the end, however it comes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lockgate.dialects.sqlite.locks import SideFileLock
from lockgate.scratch.watch import temporary_folder

_PREFIX = "lockgate-copy-"
_NAME = "in-use"


@contextmanager
def folder_for_copies() -> Iterator[Path]:
    """Give a folder as `temporary_folder`; remove those that were left when the machine itself stopped."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            _remove_unused(left)
    with temporary_folder(_PREFIX) as folder:
        lock = SideFileLock(str(folder / _NAME), "plan")
        lock.take()
        try:
            yield folder
        finally:
            lock.release()


def _remove_unused(folder: Path) -> None:
    """Remove a folder of ours whose process has ended: its lock names somebody, and nobody holds it."""
    status, me = folder.lstat(), getattr(os, "getuid", lambda: None)()
    if folder.is_symlink() or status.st_uid != me:
        return
    lock = SideFileLock(str(folder / _NAME), "plan")
    if lock.holder() and lock.take():  # without a name it is just being made
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
