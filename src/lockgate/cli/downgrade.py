"""`lockgate downgrade`."""

from __future__ import annotations

import click

from lockgate.cli.answer import act
from lockgate.cli.call import Call, verb
from lockgate.words import Verb


@verb("downgrade", "CONFIRM_ENV=dev lockgate downgrade dev -1", "CONFIRM_ENV=dev lockgate downgrade dev 20260105_0930")
@click.argument("environment")
@click.argument("revision")
def command(call: Call, environment: str, revision: str) -> int:
    """
    Undo revisions of ENVIRONMENT down to REVISION: an id, `-1` for one revision, `base` for all.

    Destructive: what is stored in dropped tables and columns is lost. Always needs a confirmation; in CI also
    ALLOW_DESTRUCTIVE_IN_CI=1.
    """
    from lockgate.runs.downgrade import downgrade

    return act(call, downgrade, call.request(Verb.DOWNGRADE, environment, revision))
