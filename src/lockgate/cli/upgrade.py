"""`lockgate upgrade`."""

from __future__ import annotations

from dataclasses import replace

import click

from lockgate.cli.answer import Run, act
from lockgate.cli.call import Call, verb
from lockgate.events import Notify
from lockgate.outcome import Outcome
from lockgate.settings.project import Project
from lockgate.words import Request, Verb


@verb(
    "upgrade",
    "lockgate upgrade dev",
    "lockgate upgrade dev --seed",
    "lockgate upgrade dev --create-database",
    "lockgate upgrade dev --from-snapshot",
    "lockgate upgrade dev +1",
    "CONFIRM_ENV=staging lockgate upgrade staging 20260105_0930",
    "CONFIRM_ENV=prod lockgate upgrade prod --plan plan.json",
)
@click.argument("environment")
@click.argument("revision", default="")
@click.option("--seed", "seeds", is_flag=True, help="Load the seeds of ENVIRONMENT afterwards, also where no revision is pending.")
@click.option("--create-database", "create", is_flag=True, help="Make the database first, where the server does not have it.")
@click.option(
    "--from-snapshot", "snapshot", is_flag=True, help="Load the schema file instead of running the revisions; for an empty database."
)
@click.option(
    "--plan", "plan", metavar="FILE", default="", help="Run what this approved plan says, and nothing else; needed where ENVIRONMENT is locked."
)
def command(call: Call, environment: str, revision: str, seeds: bool, create: bool, snapshot: bool, plan: str) -> int:
    """
    Run the pending revisions of ENVIRONMENT up to REVISION, `head` where none is given.

    The database must say that it is ENVIRONMENT. One run at a time: others wait for the lock. Each revision is
    committed by itself and written into the ledger; the smoke queries are asked at the end.
    """
    request = replace(call.request(Verb.UPGRADE, environment, revision or ("" if plan else "head")), create=create, from_schema="" if snapshot else None, plan=plan)
    if seeds:
        return act(call, _with_seeds(call), request)
    from lockgate.runs.upgrade import upgrade

    return act(call, upgrade, request)


def _with_seeds(call: Call) -> Run:
    from lockgate.runs.upgrade_seed import upgrade_and_seed

    def run(request: Request, project: Project, notify: Notify) -> Outcome:
        with call.output.progress() as watch:
            return upgrade_and_seed(request, project, notify, watch)

    return run
