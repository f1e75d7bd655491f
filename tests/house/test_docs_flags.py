"""The documents cover every verb, every option and every exit status."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

import lockgate
from lockgate.cli.command import VERBS, root
from lockgate.errors import CODES

DOCS = Path(__file__).parents[2] / "docs"
CLI = (DOCS / "cli.md").read_text("utf-8")
SHARED = {"--project", "--json", "--quiet", "-q", "--debug", "--help", "-h", "--database-url"}


def options(name: str) -> set[str]:
    """Return the spellings of a verb's options."""
    command = root.get_command(click.Context(root), name)
    assert command is not None
    found = {spelling for parameter in command.params if isinstance(parameter, click.Option) for spelling in parameter.opts}
    return found | {"--help", "-h"}


def section(name: str) -> str:
    """Return the section of `docs/cli.md` about one verb."""
    found = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", CLI, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no section {name}"
    return found[1]


@pytest.mark.parametrize("name", VERBS)
def test_cli_page_covers_every_option(name: str) -> None:
    """An option that nobody can look up is an option that nobody may change."""
    assert all(spelling in section(name) for spelling in options(name) - SHARED)
    assert f"lockgate {name}" in section(name).partition("```")[2], "an example is missing"
    assert all(f"`{spelling}" in CLI for spelling in options(name) & SHARED)


def test_cli_page_knows_no_other_option() -> None:
    """A page that tells of options long gone is worse than none."""
    known = {spelling for name in VERBS for spelling in options(name)} | {"--version", "-V"}
    own = re.sub(r"```.*?```", "", CLI, flags=re.DOTALL)
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", own)) <= known


@pytest.mark.parametrize("code", CODES)
def test_error_pages_say_status_change_and_way_out(code: str) -> None:
    """At three in the morning: how bad is it, what was changed, what now?"""
    page = (DOCS / "errors" / f"{code}.md").read_text("utf-8")
    assert f"Exit status {CODES[code].exit_code}. Changed: " in page
    assert "**What to do.**" in page
    assert f"({code}.md)" in (DOCS / "errors" / "README.md").read_text("utf-8")


def test_exit_page_covers_every_status() -> None:
    """A deployment script is written from this table."""
    page = (DOCS / "exit-codes.md").read_text("utf-8")
    assert all(f"\n| {family.exit_code} |" in page for family in CODES.values())


def test_python_page_has_every_function_and_value_of_the_library() -> None:
    """What `import lockgate` offers is found on one page."""
    page = (DOCS / "python.md").read_text("utf-8")
    assert [name for name in lockgate.__all__ if not re.search(rf"`{name}\b", page) and not name.startswith("__")] == []
