"""`--help` and start-up: what a user meets first must be quick and must show how it is done."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from lockgate.cli.command import VERBS, root

HEAVY = {"sqlalchemy", "alembic", "boto3", "rich", "msgspec", "psycopg"}
PROBE = """
import sys
from lockgate.cli.main import main
try:
    main({arguments!r})
except SystemExit as end:
    print("\\nstatus", end.code)
print("loaded", *sorted(sys.modules))
"""


def start(*arguments: str) -> tuple[int, set[str], str]:
    """Return exit status, imported packages and output of a fresh interpreter that runs lockgate."""
    done = subprocess.run([sys.executable, "-c", PROBE.format(arguments=list(arguments))], capture_output=True, text=True, check=True)
    said, _, rest = done.stdout.rpartition("\nstatus ")
    status, _, modules = rest.partition("\nloaded ")
    return int(status), {name.partition(".")[0] for name in modules.split()}, said + done.stderr


def help_of(name: str) -> str:
    """Return the help of one verb."""
    context = click.Context(root, info_name="lockgate")
    command = root.get_command(context, name)
    assert command is not None
    return command.get_help(click.Context(command, info_name=name, parent=context))


@pytest.mark.parametrize("arguments", [("--help",), ("upgrade", "--help"), ("--version",), ("upgrad",)])
def test_start_is_light(arguments: tuple[str, ...]) -> None:
    """Help, version and a slip of the hand must not wait for Alembic's 300 ms of imports."""
    _, loaded, _ = start(*arguments)
    assert not loaded & HEAVY


def test_help_lists_every_verb_with_its_module_unread() -> None:
    """The list is made from the table; a verb whose module is broken must not take the help away."""
    status, _, said = start("--help")
    assert status == 0
    assert all(f"\n  {name} " in said for name in VERBS)


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_shows_an_example(name: str) -> None:
    """The example is what gets pasted, so it has to be there and to begin with a real call of this verb."""
    said = help_of(name)
    assert "Examples:" in said
    assert f"lockgate {name}" in said.partition("Examples:")[2]


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_the_shared_options(name: str) -> None:
    """Whoever has learnt one verb knows the options of all."""
    said = help_of(name)
    assert all(option in said for option in ("--project", "--json", "--quiet", "--debug", "--help"))


@pytest.mark.parametrize("name", VERBS)
def test_the_table_names_what_is_there(name: str) -> None:
    """The lazy table must not drift from the modules."""
    command = root.get_command(click.Context(root), name)
    assert command is not None
    assert command.name == name
