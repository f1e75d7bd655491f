"""`lockgate plan`."""

from __future__ import annotations

import click

from lockgate.cli.call import Call, verb
from lockgate.cli.reports import FORMATS, check_fail_on, chosen, document, folder_in_repository, report_files, write
from lockgate.report import text
from lockgate.words import Verb

_FORMAT = "What standard output gets; text where not given. `json` is `--json`."
_REPORT = "Write a file as well; its ending tells the format (.txt, .json, .sarif, .md, .html), or FORMAT does. More than one may be given."
_FAIL_ON = "Exit 1 where there is a finding of this severity or a worse one, or of this hazard. More than one may be given."
_STATEMENTS = "Add a table of all statements with their locks to the text."


@verb(
    "plan",
    "lockgate plan prod",
    "lockgate plan prod 20260105_0930 --statements",
    "lockgate plan prod --format github --report plan.sarif --report plan.html --fail-on error",
)
@click.argument("environment")
@click.argument("revision", default="head")
@click.option("--format", type=click.Choice(FORMATS), default=None, help=_FORMAT)
@click.option("--report", metavar="[FORMAT:]FILE", multiple=True, help=_REPORT)
@click.option("--fail-on", metavar="error|warning|note|HAZARD", multiple=True, help=_FAIL_ON)
@click.option("--statements", is_flag=True, help=_STATEMENTS)
def command(
    call: Call, environment: str, revision: str, format: str | None, report: tuple[str, ...], fail_on: tuple[str, ...], statements: bool
) -> int:
    """
    Show what the pending revisions of ENVIRONMENT, up to REVISION (head where not given), will do to its database.

    They are run on a scratch copy of its schema, without rows, and watched: what they lock, rewrite, scan, drop and break, the worst
    first. ENVIRONMENT itself is only read. Exit 1 where a revision fails, 4 where a table stays locked, 5 where it cannot be told.
    """
    from lockgate.report import json
    from lockgate.report import plan as reports
    from lockgate.report.table import plain
    from lockgate.runs.plan import plan
    from lockgate.secret import redact

    shown, files = chosen(call.output, format), report_files(report)
    check_fail_on(fail_on)
    project = call.project()
    with call.output.live(environment, acting=False) as notify:
        done = plan(call.request(Verb.PLAN, environment, revision), project, notify).strict(fail_on)
    failure = reports.plan_error(done)

    def render(wanted: str) -> str:
        if wanted == "json":
            return json.planned(done, failure)
        if wanted == "text":
            return redact(plain(reports.plan(done, statements)))
        return document(done.findings, wanted, folder_in_repository(call, project.folder))

    write(call, files, render)
    if shown == "text":
        call.output.show(reports.plan(done, statements))
    else:
        call.output.document(render(shown))
    if failure and shown != "json":
        call.output.fail(text.error(failure))
    return failure.exit_code if failure else 0
