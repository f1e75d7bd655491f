"""
PostgreSQL servers that the embedded one cannot be: of an older major version, where the system has one (Debian keeps them under one
folder each), or with settings that only a start can give.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from lockgate.scratch import Server

_BIN = Path("/usr/lib/postgresql/15/bin")
MAJOR = "15"
INSTALLED = (_BIN / "initdb").is_file()


def older_server() -> AbstractContextManager[Server]:
    """Run the system's own; see `server_of`."""
    return server_of(_BIN)


@contextmanager
def server_of(programs: Path, settings: str = "") -> Iterator[Server]:
    """
    Run a server in a temporary folder, on a Unix socket only; root may not run PostgreSQL, so its system user does.

    Args:
        programs: folder of initdb and pg_ctl.
        settings: `-c name=value`, separated by blanks.
    """
    user = _ordinary_user()
    with tempfile.TemporaryDirectory(prefix="lockgate-") as name:
        folder = Path(name)
        for path in (folder, data := folder / "data"):
            path.mkdir(mode=0o700, exist_ok=True)
            if user:
                shutil.chown(path, user, user)
        _run(programs, user, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off {settings}"
        _run(programs, user, "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start")
        try:
            yield Server(folder, 5432)
        finally:
            _run(programs, user, "pg_ctl", "-D", data, "-m", "immediate", "stop")


def _ordinary_user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "embedded_postgres", "nobody") if name in known)


def _run(programs: Path, user: str | None, program: str, *arguments: Any) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    subprocess.run([programs / program, *arguments], user=user, cwd="/", env=clean, check=True, stdout=subprocess.DEVNULL, timeout=60)
