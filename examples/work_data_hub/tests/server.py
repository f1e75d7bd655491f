"""
A throw-away PostgreSQL that lives as long as somebody holds this process's standard input; prints its URL first.

A process of its own: it ends, and the server and its files with it, also where the test process is killed.
"""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

import lockgate

SETTINGS = '[environments.server]\nurl = { embedded = "postgres" }\ndriver = "psycopg"\n'

if __name__ == "__main__":
    # Not below pytest's own temporary folder, which the next pytest closes to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="wdh-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # registered first, so it runs after the server has stopped
    (folder / "lockgate.toml").write_text(SETTINGS, encoding="utf-8")
    print(lockgate.url(lockgate.load_project(folder), "server"), flush=True)
    sys.stdin.read()
