"""`lockgate plan`."""

from __future__ import annotations

from typing import Any

import click

from lockgate.cli.call import Call, verb
from lockgate.cli.reports import report_options, tell, wish
from lockgate.words import Verb

_PROBE = "Ask tables of more than 1 GB about their rows as well, for ten minutes each at most."
_QUERIES = "Try the queries in this file instead of those that pg_stat_statements has counted."


@verb(
    "plan",
    "lockgate plan prod",
    "lockgate plan prod 20260105_0930 --statements",
    "lockgate plan prod --format github --report plan.sarif --report plan.html --fail-on error",
    "lockgate plan prod --out plan.json --valid-for 3d",
)
@click.argument("environment")
@click.argument("revision", default="head")
@report_options()
@click.option("--out", metavar="FILE", default="", help="Keep the plan in FILE, for `approve` and `upgrade --plan`.")
@click.option("--valid-for", metavar="TIME", default="", help="How long the plan in FILE may be run: 30m, 12h, 7d (where not given).")
@click.option("--probe-data", is_flag=True, help=_PROBE)
@click.option("--queries", metavar="FILE", default="", help=_QUERIES)
def command(
    call: Call,
    environment: str,
    revision: str,
    out: str,
    valid_for: str,
    probe_data: bool,
    queries: str,
    style: bool,
    **wanted: Any,
) -> int:
    """
    Show what the pending revisions of ENVIRONMENT, up to REVISION (head where not given), will do to its database.

    They are run on a scratch copy of its schema, without rows, and watched: what they lock, rewrite, scan, drop and break, the worst
    first. ENVIRONMENT itself is only read. Exit 1 where a revision fails, 4 where a table stays locked, 5 where it cannot be told.
    """
    from lockgate.runs.plan_out import planner
    from lockgate.runs.plan_questions import Probing

    asked = wish(call, **wanted)
    project = call.project()
    with call.output.live(environment, acting=False) as notify:
        done = planner(out, valid_for)(call.request(Verb.PLAN, environment, revision), project, notify, Probing(probe_data, queries, style))
    return tell(call, done, asked, project.folder)
