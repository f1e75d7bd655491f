"""`lockgate status`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from lockgate.cli.call import Call, verb
from lockgate.errors import CODES
from lockgate.outcome import EnvironmentRow
from lockgate.report import environments as tables
from lockgate.words import Verb

_CHECK = "Exit 1 where something is pending, 3 where a database says it is another environment, 5 where one cannot be seen."


@verb("status", "lockgate status", "lockgate status dev test", "lockgate status prod --check", "lockgate status dev --json")
@click.argument("environments", nargs=-1, metavar="[ENVIRONMENT]...")
@click.option("--check", is_flag=True, help=_CHECK)
def command(call: Call, environments: tuple[str, ...], check: bool) -> int:
    """
    Show each ENVIRONMENT, all where none is named: current revision, pending revisions and the last run.

    Only looks: nothing is written, not even to a database that lockgate sees for the first time.
    """
    from lockgate.runs.status import check_one_url, status

    request = call.request(Verb.STATUS, environments[0] if len(environments) == 1 else "")
    check_one_url(request, environments)
    rows = status(request, call.project(), environments)
    code = found(rows) if check else ""
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.environments(rows, code))
    else:
        call.output.show(tables.status(rows))
    return CODES[code].exit_code if code else 0


def found(rows: Sequence[EnvironmentRow]) -> str:
    """Return the code of the worst thing that `--check` objects to, empty for nothing."""
    seen = [row for row in rows if not row.error]
    if any(row.says and row.says != row.name for row in seen):
        return "identity-mismatch"
    if any(row.half_applied for row in seen):
        return "half-applied"
    if any(row.pending != 0 or row.unknown for row in seen):  # None, a number that cannot be known, is not zero
        return "pending"
    return next((row.error_code or "unreachable" for row in rows if row.error), "")
