"""`lockgate plan`."""

from __future__ import annotations

from typing import Any

import click

from lockgate.cli.call import Call, verb
from lockgate.cli.reports import report_options, tell, wish
from lockgate.words import Verb


@verb(
    "plan",
    "lockgate plan prod",
    "lockgate plan prod 20260105_0930 --statements",
    "lockgate plan prod --format github --report plan.sarif --report plan.html --fail-on error",
)
@click.argument("environment")
@click.argument("revision", default="head")
@report_options()
def command(call: Call, environment: str, revision: str, **wanted: Any) -> int:
    """
    Show what the pending revisions of ENVIRONMENT, up to REVISION (head where not given), will do to its database.

    They are run on a scratch copy of its schema, without rows, and watched: what they lock, rewrite, scan, drop and break, the worst
    first. ENVIRONMENT itself is only read. Exit 1 where a revision fails, 4 where a table stays locked, 5 where it cannot be told.
    """
    from lockgate.runs.plan import plan

    asked = wish(call, **wanted)
    project = call.project()
    with call.output.live(environment, acting=False) as notify:
        done = plan(call.request(Verb.PLAN, environment, revision), project, notify)
    return tell(call, done, asked, project.folder)
