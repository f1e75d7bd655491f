"""`lockgate history`."""

from __future__ import annotations

import click

from lockgate.cli.call import Call, verb
from lockgate.report import environments as tables
from lockgate.words import Verb


@verb("history", "lockgate history dev", "lockgate history prod --limit 100", "lockgate history prod --json")
@click.argument("environment")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="How many entries, newest first.")
def command(call: Call, environment: str, limit: int) -> int:
    """Show the ledger of ENVIRONMENT, newest first: what was tried, by whom, how long it took and how it ended."""
    from lockgate.runs.history import history

    entries = history(call.request(Verb.HISTORY, environment), call.project(), limit)
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.history(environment, entries))
    else:
        call.output.show(tables.history(environment, entries))
    return 0
