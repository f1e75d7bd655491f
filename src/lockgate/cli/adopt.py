"""`lockgate adopt`."""

from __future__ import annotations

import click

from lockgate.cli.answer import act
from lockgate.cli.call import Call, verb
from lockgate.words import Verb


@verb("adopt", "lockgate adopt staging", "CONFIRM_ENV=staging lockgate adopt staging", "CONFIRM_ENV=staging lockgate adopt staging --copy")
@click.argument("environment")
@click.option("--copy", is_flag=True, help="The database is a copy of a marked one, and is to be ENVIRONMENT from now on.")
def command(call: Call, environment: str, copy: bool) -> int:
    """
    Write the identity marker of ENVIRONMENT into an existing database, once.

    Host, database, tables, rows and revision are shown first. From then on the database answers to ENVIRONMENT and to
    no other name.
    """
    from lockgate.runs.adopt import adopt

    return act(call, adopt, call.request(Verb.ADOPT, environment, copy=copy))
