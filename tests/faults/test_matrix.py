"""The fault matrix in its short form: a trial of most rows of `make faults`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from faults.mariadb_rows import why_not
from faults.matrix import ROWS
from faults.page import page
from faults.rows import MARIADB, Row
from faults.trial import Result

TESTS = Path(__file__).resolve().parents[1]
# Each is a process of its own: trials are forked, and a process that pytest shares with its helpers has threads.
PARTS = {
    "postgresql": "pg-kill pg-int pg-terminate pg-slow pg-holder pg-disk pg-stop-fast pg-partition",
    "postgresql, statement by statement": (
        "pg-every-kill pg-every-cut pg-backfill pg-index-kill pg-index-cautious pg-index-orphan pg-crowd pg-wrong-target"
    ),
    "sqlite": "sqlite-kill-batch sqlite-kill-wal sqlite-int sqlite-every-kill sqlite-disk sqlite-backfill sqlite-crowd sqlite-wrong-target",
    "mariadb": "mariadb-kill mariadb-int mariadb-cut mariadb-server mariadb-every-kill mariadb-crowd mariadb-wrong-target",
}
# One of each pair that breaks a run off alike is enough between two runs of the whole matrix.
LEFT_OUT = frozenset(
    "pg-term pg-stop-immediate pg-every-term pg-index-cut sqlite-kill-triggers sqlite-term sqlite-every-term"
    " mariadb-term mariadb-every-term mariadb-every-cut".split()
)
_MOST_S = 900


@pytest.mark.slow
@pytest.mark.timeout(_MOST_S + 120)
@pytest.mark.parametrize("part", [part for part in PARTS if part != "mariadb" or not why_not(Path())])
def test_whatever_breaks_a_run_off_nothing_is_torn_and_the_next_run_reaches_the_head(part: str, tmp_path: Path) -> None:
    """Rows once, no INVALID index, the documented exit status, a ledger that is whole: after every fault that is known."""
    raw = tmp_path / "raw.json"
    command = [sys.executable, "-m", "faults", "--rows", PARTS[part], "--trials", "1", "--workers", "1", "--lenient", "--raw", str(raw)]
    with subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        try:
            said, _ = running.communicate(timeout=_MOST_S)
        finally:
            running.terminate()  # not killed, as `run` would do: it has disks mounted and servers running
    assert running.returncode == 0, said
    found = json.loads(raw.read_text(encoding="utf-8"))
    rows = {row.name for row in ROWS if any(row.name.startswith(word) for word in PARTS[part].split())}
    assert {result["row"] for result in found["results"]} | set(found["missing"]) == rows


def test_every_row_belongs_to_a_part() -> None:
    """A row that is in no part would never run in CI, and nobody would know."""
    named = [word for names in PARTS.values() for word in names.split()]
    assert sorted((*named, *LEFT_OUT)) == sorted(row.name for row in ROWS)


def test_the_page_says_what_was_not_run_and_what_is_not_as_promised() -> None:
    """A matrix that keeps its failures to itself is an advertisement."""
    good, bad = (Row(name, MARIADB, f"fault {name}", (), lambda stage, trial: trial.result, "25 of 28 torn") for name in ("good", "bad"))
    absent = Row("absent", MARIADB, "fault absent", (), lambda stage, trial: trial.result)
    results = [Result("good", 1, ["killed"], half=True), Result("bad", 1, ["1"], torn=True, problems=["torn: at r1"])]
    text = page((good, bad, absent), results, {"absent": "no server"}, 60)
    assert "| fault good | 1 | 0 (1 half applied, and said so) | 1 of 1 | 1 of 1 | 0 | killed: 1 | 25 of 28 torn |" in text
    assert "**fault bad** is not at its target in 1 trials: torn: at r1 (1x)." in text
    assert "**fault absent**: not run: no server." in text
