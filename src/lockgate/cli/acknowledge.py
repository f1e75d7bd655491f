"""`lockgate acknowledge`."""

from __future__ import annotations

import click

from lockgate.cli.answer import act
from lockgate.cli.call import Call, verb
from lockgate.words import Verb


@verb("acknowledge", "lockgate acknowledge dev 20260105_0930", "CONFIRM_ENV=staging lockgate acknowledge staging 20260105_0930")
@click.argument("environment")
@click.argument("revisions", nargs=-1, required=True, metavar="REVISION...")
def command(call: Call, environment: str, revisions: tuple[str, ...]) -> int:
    """
    Accept that the file of a REVISION was edited after the revision was applied to ENVIRONMENT.

    Writes a row into the ledger and nothing else: no revision is run and no schema is compared. Whoever acknowledges promises.
    """
    from lockgate.runs.acknowledge import acknowledge

    return act(call, acknowledge, call.request(Verb.ACKNOWLEDGE, environment, " ".join(revisions)))
