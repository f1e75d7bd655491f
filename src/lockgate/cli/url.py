"""`lockgate url`."""

from __future__ import annotations

import click

from lockgate.cli.call import Call, verb
from lockgate.errors import LockgateError, Refused, UsageError
from lockgate.outcome import EnvironmentRow
from lockgate.report import environments as tables
from lockgate.words import Request, Verb


@verb("url", "lockgate url dev --check", "lockgate url dev --psql", 'pg_dump "$(lockgate url dev)"')
@click.argument("environment")
@click.option("--check", is_flag=True, help="Connect instead of printing: is it reached, and who does it say it is?")
@click.option("--psql", is_flag=True, help="Open psql on it instead of printing.")
def command(call: Call, environment: str, check: bool, psql: bool) -> int:
    """
    Print the connection URL of ENVIRONMENT, password included, to standard output and nowhere else.

    Mind where it goes: a terminal's scrollback and a CI log keep it.
    """
    if psql and (check or call.output.json):
        raise UsageError("usage", "`--psql` goes with neither `--check` nor `--json`", "lockgate url", "run `lockgate url --help`")
    request = call.request(Verb.URL, environment)
    if check:
        return _check(call, request)
    if psql:
        from lockgate.runs.url import psql as open_psql

        return open_psql(request, call.project())
    return _print(call, request)


def _print(call: Call, request: Request) -> int:
    from lockgate.runs.url import connection_url

    value = connection_url(request, call.project()).reveal()
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.url(request.environment, value))
    else:
        call.output.document(value)
    return 0


def _check(call: Call, request: Request) -> int:
    from lockgate.runs.url import check

    row = check(request, call.project())
    failure = _objection(row)
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.environments((row,), failure.code if failure else ""))
    elif failure:
        raise failure
    else:
        call.output.show(tables.reached(row))
    return failure.exit_code if failure else 0


def _objection(row: EnvironmentRow) -> LockgateError | None:
    """Return why this is not the database that was asked for; None where it is, or where it is not marked yet."""
    if not row.says or row.says == row.name:
        return None
    hint = f"run `lockgate status {row.name}`"
    return Refused("identity-mismatch", f"this database says it is `{row.says}`, you asked for `{row.name}`", row.place, hint)
