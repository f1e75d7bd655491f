"""`lockgate upgrade`."""

from __future__ import annotations

import click

from lockgate.cli.answer import act
from lockgate.cli.call import Call, verb
from lockgate.words import Verb


@verb("upgrade", "lockgate upgrade dev", "lockgate upgrade dev +1", "CONFIRM_ENV=staging lockgate upgrade staging 20260105_0930")
@click.argument("environment")
@click.argument("revision", default="head")
def command(call: Call, environment: str, revision: str) -> int:
    """
    Run the pending revisions of ENVIRONMENT up to REVISION, `head` where none is given.

    The database must say that it is ENVIRONMENT. One run at a time: others wait for the lock. Each revision is
    committed by itself and written into the ledger; the smoke queries are asked at the end.
    """
    from lockgate.runs.upgrade import upgrade

    return act(call, upgrade, call.request(Verb.UPGRADE, environment, revision))
