"""`lockgate history`."""

from __future__ import annotations

import click

from lockgate.cli.call import Call, verb
from lockgate.report import environments as tables
from lockgate.report import text
from lockgate.words import Verb


@verb("history", "lockgate history dev", "lockgate history prod --limit 100", "lockgate history prod --verify", "lockgate history prod --json")
@click.argument("environment")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="How many entries, newest first.")
@click.option("--verify", is_flag=True, help="Hold every row to its seal; exit 1 where one was changed, slipped in or taken out.")
def command(call: Call, environment: str, limit: int, verify: bool) -> int:
    """Show the ledger of ENVIRONMENT, newest first: what was tried, by whom, how long it took and how it ended."""
    if verify:
        return _verify(call, environment)
    from lockgate.runs.history import history

    entries = history(call.request(Verb.HISTORY, environment), call.project(), limit)
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.history(environment, entries))
    else:
        call.output.show(tables.history(environment, entries))
    return 0


def _verify(call: Call, environment: str) -> int:
    from lockgate.runs.verify import verify

    found = verify(call.request(Verb.HISTORY, environment), call.project())
    failure = tables.broken(found)
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.verified(found, failure))
    elif failure:
        call.output.fail(text.error(failure))
    else:
        call.output.show(tables.verified(found))
    return failure.exit_code if failure else 0
