"""`lockgate lint`."""

from __future__ import annotations

from typing import Any

import click

from lockgate.cli.call import Call, verb
from lockgate.cli.reports import report_options, tell, wish
from lockgate.words import Verb

_SINCE = "Judge the revisions whose files are new or changed since HEAD left this commit or branch."


@verb(
    "lint",
    "lockgate lint --since origin/main",
    "lockgate lint --since origin/main --format github --report lint.sarif --fail-on warning",
    "lockgate lint 20260105_0930",
    database=False,
)
@click.argument("revisions", nargs=-1)
@click.option("--since", metavar="GITREF", default="", help=_SINCE)
@click.option("--static", is_flag=True, help="Run nothing: read the SQL, as happens where no scratch server can be had.")
@report_options("error")
def command(call: Call, revisions: tuple[str, ...], since: str, static: bool, style: bool, **wanted: Any) -> int:
    """
    Judge REVISIONS as `plan` judges pending ones, without a target (all of them, each by itself, where none is named).

    The history is replayed from base on a scratch database of the embedded server. No environment is contacted, so the sizes of tables are
    not known: what depends on them is a warning. Exit 1 where a revision fails or `--fail-on` (error, where not given) does not let it pass,
    5 where it cannot be told.
    """
    from lockgate.runs.lint import Subject, lint

    asked = wish(call, **wanted)
    project = call.project()
    with call.output.live("", acting=False) as notify:
        done = lint(call.request(Verb.LINT, ""), project, notify, Subject(revisions, since, static, style))
    return tell(call, done, asked, project.folder)
