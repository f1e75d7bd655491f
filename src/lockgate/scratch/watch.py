"""Shells that outlive this process, where it is killed, to do what it cannot do any more; their stdin ends with it, however it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# SIGINT is PostgreSQL's fast shutdown.
_STOP = """read -r _; kill -INT "$1" 2>/dev/null; while kill -0 "$1" 2>/dev/null; do sleep 0.1; done; rm -rf "$2" """
# Once more after a second: whoever still wrote there has ended by then.
_REMOVE = """read -r _; rm -rf "$1" || { sleep 1; rm -rf "$1"; }"""
_LEAVE = """read -r _; exec "$1" -c "$2" "$3" """
_CODE = "import sys; from pathlib import Path; from lockgate.scratch import leave_for_the_dead; leave_for_the_dead(Path(sys.argv[1]))"


def end_with_us(server: int, home: Path) -> subprocess.Popen[bytes]:
    """When this process has ended, stop the server of this process id and remove its folder."""
    return _watcher(_STOP, str(server), str(home))


@contextmanager
def temporary_folder(prefix: str = "lockgate-") -> Iterator[Path]:
    """Give a folder that this user alone may enter, and that is gone afterwards, also where this process is killed."""
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        home = Path(folder).resolve()
        watcher = _watcher(_REMOVE, str(home))
        try:
            yield home
        finally:
            dismiss(watcher)


def leave_for_us(data: Path) -> subprocess.Popen[bytes]:
    """When this process has ended, leave the shared server of a data folder in its name."""
    return _watcher(_LEAVE, sys.executable, _CODE, str(data))


def dismiss(watcher: subprocess.Popen[bytes]) -> None:
    """End a watcher: this process does by itself what it was there for."""
    watcher.kill()
    watcher.communicate()


def _watcher(script: str, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["sh", "-c", script, "sh", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
        env={"PATH": os.defpath},
    )
