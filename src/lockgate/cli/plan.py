"""`lockgate plan`."""

from __future__ import annotations

import click

from lockgate.cli.call import Call, verb
from lockgate.report import text
from lockgate.words import Verb

_PROBE = "Ask tables of more than 1 GB about their rows as well, for ten minutes each at most."
_QUERIES = "Try the queries in this file instead of those that pg_stat_statements has counted."


@verb("plan", "lockgate plan prod", "lockgate plan prod 20260105_0930", "lockgate plan prod --json")
@click.argument("environment")
@click.argument("revision", default="head")
@click.option("--probe-data", is_flag=True, help=_PROBE)
@click.option("--queries", metavar="FILE", default="", help=_QUERIES)
def command(call: Call, environment: str, revision: str, probe_data: bool, queries: str) -> int:
    """
    Show what the pending revisions of ENVIRONMENT, up to REVISION (head where not given), will do to its database.

    They are run on a scratch copy of its schema, without rows, and watched: locks, rewrites, scans, drops and failures, the strongest
    lock first. ENVIRONMENT itself is only read. Exit 1 where a revision fails, 4 where a table stays locked, 5 where it cannot be told.
    """
    from lockgate.report import findings
    from lockgate.report import plan as report
    from lockgate.runs.plan import plan
    from lockgate.runs.plan_questions import Probing

    project = call.project()
    with call.output.live(environment, acting=False) as notify:
        done = plan(call.request(Verb.PLAN, environment, revision), project, notify, Probing(probe_data, queries))
    failure = report.plan_error(done)
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.planned(done, failure))
        return failure.exit_code if failure else 0
    call.output.show(findings.findings(done.findings))
    call.output.show(report.plan(done))
    if failure:
        call.output.fail(text.error(failure))
    return failure.exit_code if failure else 0
