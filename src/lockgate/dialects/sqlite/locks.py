"""lockgate's lock on a SQLite file: `flock` on a file beside it, held for the whole run."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class SideFileLock:
    """
    An exclusive `flock` on `<database>.lockgate-lock`.

    Never on the database itself: closing any descriptor of that file drops SQLite's own locks
    (sqlite.org, How To Corrupt An SQLite Database File, 2.2). The kernel lets go when the process dies.
    """

    def __init__(self, path: str, label: str) -> None:
        self._path = f"{path}.lockgate-lock"
        self._label = label
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Try once; on success write down who we are, for those who wait."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if not _flock(descriptor):
            os.close(descriptor)
            return False
        since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{self._label} (pid {os.getpid()}, since {since})".encode())
        self._descriptor = descriptor
        return True

    def holder(self) -> str:
        """What the holder wrote; it may have changed since the try."""
        with open(self._path, encoding="utf-8", errors="replace") as file:
            return file.read(500)

    def release(self) -> None:
        """Let go; the file stays, because removing it would let two runs lock two files."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":

    def _flock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _flock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
