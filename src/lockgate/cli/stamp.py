"""`lockgate stamp`."""

from __future__ import annotations

import click

from lockgate.cli.answer import act
from lockgate.cli.call import Call, verb
from lockgate.words import Verb


@verb("stamp", "lockgate stamp dev head", "CONFIRM_ENV=staging lockgate stamp staging 20260105_0930")
@click.argument("environment")
@click.argument("revision")
def command(call: Call, environment: str, revision: str) -> int:
    """
    Write REVISION into the version table of ENVIRONMENT without running any revision.

    For a database whose schema is known to be there already. Nothing is compared: whoever stamps promises.
    """
    from lockgate.runs.stamp import stamp

    return act(call, stamp, call.request(Verb.STAMP, environment, revision))
