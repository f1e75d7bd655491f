"""Calls the commands of the guide as somebody at a terminal does."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

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
