"""How many kinds of bad input and ways out of a password are tested is published: a case that goes has to be made up for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROMISED = {"test_bad_input.py": 45, "test_canary.py": 33}
_SAME_INPUT = "test_every_verb_"  # one case, given to verb after verb


@pytest.mark.parametrize("name", PROMISED)
def test_there_are_as_many_cases_as_promised(root: Path, name: str) -> None:
    """Counted as pytest finds them, rows of a table one by one."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", f"tests/runs/{name}"]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False).stdout.splitlines()
    cases = {line for line in found if "::test_" in line and _SAME_INPUT not in line}
    assert len(cases) >= PROMISED[name], "\n".join(found[-20:])
