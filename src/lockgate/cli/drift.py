"""`lockgate drift`."""

from __future__ import annotations

import click

from lockgate.cli.call import Call, verb
from lockgate.report import text
from lockgate.words import Verb

_AGAINST = "Compare with this snapshot, or with the project's `models`, instead of running the revisions."
_SAVE = "Write the schema of ENVIRONMENT to this file as JSON and compare nothing."


@verb("drift", "lockgate drift dev", "lockgate drift prod --against migrations/snapshot.json", "lockgate drift dev --against models --json")
@click.argument("environment")
@click.option("--against", metavar="FILE|models", default="", help=_AGAINST)
@click.option("--save", metavar="FILE", default="", help=_SAVE)
def command(call: Call, environment: str, against: str, save: str) -> int:
    """
    Say how the schema of ENVIRONMENT differs from what its applied revisions make.

    They are run on a scratch database, which is dropped again; ENVIRONMENT is only read. Exit 1 where there is a difference,
    5 where nothing can stand in for its server.
    """
    from lockgate.report import drift as report
    from lockgate.runs.drift import REVISIONS_WORD, drift

    project = call.project()
    with call.output.live(environment, acting=False) as notify:
        done = drift(call.request(Verb.DRIFT, environment), project, notify, against or REVISIONS_WORD, save)
    failure = report.drift_error(done)
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.drifted(done, failure))
        return failure.exit_code if failure else 0
    call.output.show(report.drift(done))
    if failure:
        call.output.fail(text.error(failure))
    return failure.exit_code if failure else 0
