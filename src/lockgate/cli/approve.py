"""`lockgate approve`."""

from __future__ import annotations

from pathlib import Path

import click

from lockgate.cli.call import Call, verb
from lockgate.errors import UsageError
from lockgate.report import approval, text
from lockgate.words import APPROVER_KEY


@verb("approve", "lockgate approve plan.json", "lockgate approve plan.json --key ci.key", "lockgate approve --new-key ci.key", database=False)
@click.argument("plan", default="")
@click.option("--key", metavar="FILE", default=APPROVER_KEY, show_default=True, help="Your private key.")
@click.option("--new-key", metavar="FILE", default="", help="Make a key pair instead: the private key goes into FILE, the public one is shown.")
def command(call: Call, plan: str, key: str, new_key: str) -> int:
    """
    Sign PLAN, a file that `plan --out` wrote, after showing what it holds; the signature is added to the file.

    `upgrade --plan` wants such a signature where the environment's settings name `approvers`. No database is contacted.
    """
    if bool(plan) == bool(new_key):
        raise UsageError("usage", "`approve` takes a plan, or `--new-key FILE`", "lockgate approve", "run `lockgate approve --help`")
    return _make_key(call, Path(new_key).expanduser()) if new_key else _approve(call, Path(plan), Path(key).expanduser())


def _make_key(call: Call, path: Path) -> int:
    from lockgate.runs.approve import make_key

    public = make_key(path)
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.key_made(str(path), public))
    else:
        following = f'keep it to yourself; write under `[approvers]` of the settings: NAME = "{public}"'
        call.output.show(text.written((str(path),), following))
    return 0


def _approve(call: Call, plan: Path, key: Path) -> int:
    from lockgate.runs.approve import approve, to_approve

    asked = to_approve(call.project(), plan, key)
    if not call.output.json:
        call.output.show(approval.asked(asked.signed.plan, asked.approver))
    done = approve(asked, plan, key)
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.approved(done.signed, done.approver, done.at))
    else:
        call.output.show(approval.approved(done.signed, done.approver, str(plan)))
    return 0
