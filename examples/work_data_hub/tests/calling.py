"""Calls the commands of the guide as somebody at a terminal does."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sysconfig.get_path("scripts")


def call(*words: str, folder: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `alembic ...`, `lockgate ...`, `pytest ...` or `python ...` in a folder of the project, with variables of its own."""
    program = sys.executable if words[0] == "python" else str(Path(SCRIPTS) / words[0])
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    return subprocess.run([program, *words[1:]], cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False)


def done(*words: str, folder: Path = ROOT, **variables: str) -> str:
    """Run a command that must succeed; return what it said."""
    ended = call(*words, folder=folder, **variables)
    assert ended.returncode == 0, f"exit {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout + ended.stderr


def refused(*words: str, folder: Path = ROOT, **variables: str) -> str:
    """Run a command that must not succeed; return what it said."""
    ended = call(*words, folder=folder, **variables)
    assert ended.returncode != 0, f"exit 0\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout + ended.stderr


def script() -> Any:
    """Return scripts/db_setup.py as a module."""
    spec = importlib.util.spec_from_file_location("db_setup", ROOT / "scripts" / "db_setup.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
