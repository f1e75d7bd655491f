"""The README is true: its session works as it is typed, and its table names tests that there are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from calling import PROJECT, Ground
from stack_fixture import temporary_stack

README = (PROJECT / "README.md").read_text(encoding="utf-8")
PYTHON = '#!/bin/sh\nexec "{}" "$@"\n'


@pytest.mark.timeout(600)
def test_the_session_works_as_it_is_typed(tmp_path: Path) -> None:
    """Each command ends as the README says: 0 where it says nothing."""
    copy = Ground({}, {}).copied(tmp_path / "copy")
    python = copy.folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON.format(sys.executable), encoding="utf-8")
    python.chmod(0o755)
    (copy.folder / ".venv" / ".installed").touch()
    commands = [line.removeprefix("$ ") for line in README.splitlines() if line.startswith("$ ")]
    expected = [int(found[1]) if (found := re.search(r"# exit (\d)", command)) else 0 for command in commands]
    with temporary_stack() as stack:
        # make and the scripts take `.venv` as they would after an installation; the stack alone is put where its server may be.
        (copy.folder / ".local").symlink_to(stack.folder)
        script = "\n".join(f"{command}\necho $? >> statuses" for command in commands)
        environ = {name: value for name, value in copy.environ({}).items() if name != "PY"}
        done = subprocess.run(["bash", "-c", script], cwd=copy.folder, env=environ, capture_output=True, text=True, timeout=550, check=False)
    statuses = [int(line) for line in (copy.folder / "statuses").read_text().splitlines()]
    assert list(zip(commands, statuses, strict=True)) == list(zip(commands, expected, strict=True)), done.stderr
    assert len(commands) > 10 and "2 projects, 3 documents" in done.stdout


def test_the_table_names_tests_that_there_are() -> None:
    """Every test that it names is there, and every criterion, prohibited action and adverse condition that is tested is in it."""
    named = set(re.findall(r"`(test_\w+\.py)::(test_\w+)`", README))
    there = {(path.name, name) for path in (PROJECT / "tests").glob("test_*.py") for name in re.findall(r"^(?:def |from lockgate\S+ import )(test_\w+)", path.read_text("utf-8"), re.MULTILINE)}
    assert named - there == set()
    important = {pair for pair in there if pair[0] in ("test_tier1_criteria.py", "test_prohibited_actions.py")}
    assert important - named == set()
