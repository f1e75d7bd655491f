"""`lockgate revision`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from lockgate.cli.call import Call, verb
from lockgate.report import text


@verb("revision", 'lockgate revision -m "create users"', database=False)
@click.option("-m", "--message", required=True, metavar="TEXT", help="What the revision does; becomes part of its file name.")
def command(call: Call, message: str) -> int:
    """Write a new, empty revision file YYYYMMDD_HHMM_slug.py after the current head; its id is the same timestamp, in UTC."""
    from lockgate.runs.revision import revision

    path = revision(call.project(), message, datetime.now(UTC))
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.written((str(path),)))
    else:
        call.output.show(text.written((str(path),)))
    return 0
