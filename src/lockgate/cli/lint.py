"""`lockgate lint`."""

from __future__ import annotations

import click

from lockgate.cli.call import Call, verb
from lockgate.cli.judging import fails_on
from lockgate.report import text
from lockgate.words import Verb

_SINCE = "Judge the revisions whose files are new or changed since HEAD left this commit or branch."


@verb("lint", "lockgate lint --since origin/main", "lockgate lint 20260105_0930", database=False)
@click.argument("revisions", nargs=-1)
@click.option("--since", metavar="GITREF", default="", help=_SINCE)
@click.option("--static", is_flag=True, help="Run nothing: read the SQL, as happens where no scratch server can be had.")
@fails_on("error")
def command(call: Call, revisions: tuple[str, ...], since: str, static: bool, fail_on: str) -> int:
    """
    Judge REVISIONS as `plan` judges pending ones, without a target (all of them, each by itself, where none is named).

    The history is replayed from base on a scratch database of the embedded server. No environment is contacted, so the sizes of tables are
    not known: what depends on them is a warning. Exit 1 where a revision fails or a finding is as bad as `--fail-on`, 5 where it cannot be told.
    """
    from lockgate.errors import UsageError
    from lockgate.report import findings
    from lockgate.report import plan as report
    from lockgate.runs.lint import Subject, lint

    if revisions and since:
        raise UsageError("usage", "`--since` says which revisions to judge, so none can be named beside it", "lockgate lint", "leave out one of them")
    project = call.project()
    with call.output.live("", acting=False) as notify:
        done = lint(call.request(Verb.LINT, ""), project, notify, Subject(revisions, since, static))
    failure = report.plan_error(done) or findings.findings_error(done.findings, fail_on)
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.planned(done, failure))
        return failure.exit_code if failure else 0
    call.output.show(findings.findings(done.findings) if done.findings.revisions else ("nothing to judge: no revision is new or changed",))
    if failure:
        call.output.fail(text.error(failure))
    return failure.exit_code if failure else 0
