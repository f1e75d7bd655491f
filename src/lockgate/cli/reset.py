"""`lockgate reset`."""

from __future__ import annotations

import click

from lockgate.cli.answer import act
from lockgate.cli.call import Call, verb
from lockgate.words import Verb


@verb("reset", "CONFIRM_ENV=dev lockgate reset dev")
@click.argument("environment")
def command(call: Call, environment: str) -> int:
    """
    Drop every table and other user object in ENVIRONMENT, prove that nothing is left, then run all revisions.

    Destructive: every row is lost; extensions, the identity marker and the ledger stay. Always needs a
    confirmation; in CI also ALLOW_DESTRUCTIVE_IN_CI=1.
    """
    from lockgate.runs.reset import reset

    return act(call, reset, call.request(Verb.RESET, environment, "head"))
