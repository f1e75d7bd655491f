"""`pip install lockgate` alone: a whole tool for SQLite, and a clear word about what PostgreSQL needs besides."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_INSTALL_S = 150  # a slow index; usually it is some seconds


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a fresh virtual environment with a wheel of this repository's copy, and no extra."""
    home = tmp_path_factory.mktemp("bare")
    copy = home / "source"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    # pip from here: to install pip takes longer than to install lockgate.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home / "venv"], check=True)
    pip = [sys.executable, "-m", "pip", "--python", home / "venv" / "bin" / "python"]
    command = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-input", copy]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_INSTALL_S)
    if done.returncode and "No matching distribution" in done.stderr:
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    return home / "venv" / "bin"


def call(bare: Path, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Call the installed console script."""
    environ = {**os.environ, "PATH": f"{bare}:{os.environ['PATH']}", **variables}
    return subprocess.run(["lockgate", *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(_INSTALL_S + 60)
def test_without_extras_sqlite_works_and_every_extra_is_asked_for_by_name(bare: Path, tmp_path: Path) -> None:
    """One test, because parallel ones would each install: from nothing to an upgraded database; then the commands to paste."""
    whole(bare, tmp_path)
    server = call(bare, tmp_path, "upgrade", "prod", PROD_DATABASE_URL="postgresql://leo:Sp4rrow@localhost/app")
    asks(server, "driver-missing", "postgres")
    assert "Sp4rrow" not in server.stdout + server.stderr
    for source, extra in (('{ aws_secret = "db", region = "eu-central-1" }', "aws"), ('{ embedded = "postgres" }', "embedded")):
        (tmp_path / "lockgate.toml").write_text(f"project = 'shop'\n[environments.dev]\nurl = {source}\n")
        asks(call(bare, tmp_path, "upgrade", "dev"), "extra-missing", extra)
    assert not (tmp_path / ".lockgate").exists()


def whole(bare: Path, folder: Path) -> None:
    """Go through the life of a SQLite project, with what every Python has."""
    first = (("init", "--name", "shop", "--database", "sqlite"), ("revision", "-m", "create users"), ("upgrade", "dev"))
    for arguments in (*first, ("status", "dev", "--check"), ("smoke", "dev"), ("history", "dev")):
        done = call(bare, folder, *arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    assert "applied" in done.stdout
    assert (folder / "dev.db").exists()


def asks(done: subprocess.CompletedProcess[str], code: str, extra: str) -> None:
    """Exit 2, nothing contacted, and the extra by its name."""
    assert done.returncode == 2, done.stderr
    assert f"code: {code}" in done.stderr and "changed: nothing" in done.stderr
    assert f"hint: pip install 'lockgate[{extra}]'" in done.stderr
