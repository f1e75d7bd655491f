"""The commands that the benchmarks time, with real processes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from benchmarks import page, replay
from benchmarks.measure import Failed, command
from benchmarks.workplace import Wish, Workplace

from lockgate.scratch import Server


def test_peak_memory_is_the_commands_own(tmp_path: Path) -> None:
    """Linux counts the memory of whoever starts a process into its peak, and the benchmarks hold more than many a contender."""
    held = bytearray(b"x") * 80 * 1024**2
    small = command((sys.executable, "-I", "-S", "-c", "pass"), tmp_path, {})
    large = command((sys.executable, "-I", "-S", "-c", "bytearray(b'x') * 100 * 1024**2"), tmp_path, {})
    assert small.peak_mib < len(held) / 1024**2 < large.peak_mib
    assert small.cpu_s > 0
    assert small.wall_s > 0


def test_a_command_that_did_not_do_its_work_is_no_measurement(tmp_path: Path) -> None:
    """A tool that fails at once would be the fastest of all."""
    with pytest.raises(Failed, match="ended with 3") as caught:
        command((sys.executable, "-c", "print('why'); raise SystemExit(3)"), tmp_path, {})
    assert "why" in str(caught.value)
    assert "why" not in caught.value.in_short
    with pytest.raises(Failed):
        command((sys.executable, "-c", "print('something else')"), tmp_path, {}, expect="loaded")
    with pytest.raises(Failed, match="could not be started"):
        command((str(tmp_path / "nothing"),), tmp_path, {})


def test_bytecode_is_written_whatever_the_shell_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise every start of a tool in Python would compile every revision again."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    sample = command((sys.executable, "-c", "import os, sys; sys.exit('PYTHONDONTWRITEBYTECODE' in os.environ)"), tmp_path, {})
    assert sample.wall_s > 0


def test_a_measurement_runs_lockgate_and_its_peers_and_can_be_shown(tmp_path: Path) -> None:
    """On SQLite, where no server is needed: what the benchmarks call must not go away unnoticed."""
    ticks: list[int] = []
    nobody = Server(tmp_path, 0)
    work = Workplace(tmp_path, nobody, Wish(quick=True), lambda turns: ticks.append(-turns), lambda: ticks.append(1))
    section = replay.sqlite(work)
    assert {series.contender: (len(series.samples), series.error) for series in section.series}.items() >= {
        ("lockgate", (1, "")),
        ("alembic", (1, "")),
    }
    assert sum(ticks) == 0
    assert "| alembic | 1.00 |" in page.tables(section)
