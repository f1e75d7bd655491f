"""`lockgate smoke`."""

from __future__ import annotations

import click

from lockgate.cli.answer import act
from lockgate.cli.call import Call, verb
from lockgate.words import Verb


@verb("smoke", "lockgate smoke dev", "lockgate smoke dev --json")
@click.argument("environment")
def command(call: Call, environment: str) -> int:
    """
    Ask ENVIRONMENT the smoke queries of the settings, and whether the tables that must be there are there.

    Exit 1 where an answer is not as expected.
    """
    from lockgate.runs.smoke import smoke

    return act(call, smoke, call.request(Verb.SMOKE, environment))
