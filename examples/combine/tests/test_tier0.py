"""Tier 0 in one command, and what makes it say no. Tried on copies, with a git history of their own."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from calling import PROJECT, Done, Ground

# The whole suite runs what it runs; inside of it one file is enough.
ONE_FILE = ("--", "-q", "tests/test_settings.py", "-k", "unknown_profile")


@pytest.fixture
def checkout(ground: Ground, tmp_path: Path) -> Ground:
    """A copy whose files are committed."""
    copy = ground.copied(tmp_path / "checkout")
    commit(copy)
    return copy


def git(copy: Ground, *arguments: str) -> None:
    """Run git as nobody in particular."""
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@combine.example")
    subprocess.run(["git", *who, *arguments], cwd=copy.folder, env=copy.environ({}), check=True, capture_output=True)


def commit(copy: Ground) -> None:
    """Keep the state of the copy."""
    git(copy, "init", "--quiet")
    git(copy, "add", "--all", "--force", "--", ".")
    git(copy, "commit", "--quiet", "--message", "a state")


@pytest.fixture(scope="module", autouse=True)
def warm_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What mypy knows of SQLAlchemy from `make types` is not found out again by every test here."""
    cache = tmp_path_factory.mktemp("mypy") / "cache"
    if (PROJECT / ".mypy_cache").exists():
        shutil.copytree(PROJECT / ".mypy_cache", cache)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYPY_CACHE_DIR", str(cache))
        yield


def tier0(copy: Ground, check: int) -> Done:
    """Run the script on the copy."""
    return copy.script("tier0.sh", *ONE_FILE, check=check)


def test_tier_0_returns_zero(checkout: Ground) -> None:
    """As it is, and with changes where changes are allowed."""
    (checkout.folder / "ops" / "db" / "reference" / "more.csv").write_text("code,name\n", encoding="utf-8")
    checkout.edit("ops/scripts/db_status.sh", "# Show", "# Tell and show")
    said = tier0(checkout, check=0).stdout
    assert [part for part in ("== allowed paths", "== lint", "== types", "== tests", "== tier 0: good") if part not in said] == []


@pytest.mark.parametrize("changed", ["alembic/versions/20260313_001_emails_are_unique.py", "combine/models.py", "new file.txt"])
def test_tier_0_refuses_changes_outside_the_allowed_paths(checkout: Ground, changed: str) -> None:
    """A migration that was changed after it ran somewhere is the one that hurts most."""
    with (checkout.folder / changed).open("a", encoding="utf-8") as file:
        file.write("\n# one line more\n")
    done = tier0(checkout, check=1)
    assert changed in done.stderr and "outside of the allowed paths" in done.stderr and "== lint" not in done.stdout
    commit(checkout)
    said = checkout.script("tier0.sh", "--base", "HEAD~1", *ONE_FILE, check=1).stderr
    assert changed in said, "a commit hides nothing from a comparison with the base"


def test_tier_0_does_not_pass_where_there_is_nothing_to_compare_with(ground: Ground, tmp_path: Path) -> None:
    """A check that could not be made is not a check that was passed."""
    said = tier0(ground.copied(tmp_path / "copy"), check=1).stderr
    assert "there is no git revision HEAD" in said and "git init" in said


@pytest.mark.parametrize("text, last", [("import os\n", "lint"), ("x: int = 'no'\n", "types"), ("def test_no() -> None:\n    assert [] == [1]\n", "tests")])
def test_tier_0_fails_on_lint_types_and_tests(checkout: Ground, text: str, last: str) -> None:
    """Each part can stop it."""
    (checkout.folder / "ops" / "db" / "test_spare.py").write_text(text, encoding="utf-8")
    done = checkout.script("tier0.sh", "--", "-q", "ops/db/test_spare.py")
    assert done.returncode == 1
    assert re.findall(r"^== (\w+)$", done.stdout, re.MULTILINE)[-1] == last
    assert "tier 0: good" not in done.stdout
