"""Having a plan's revisions run and traced by a process of its own, without credentials."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import NoReturn

import msgspec

from lockgate.errors import CODES, Bug, LockgateError, Unreachable
from lockgate.hazards.answers import Workload
from lockgate.runs.scratch_database import ScratchDatabase
from lockgate.runs.traced import Orders, Told
from lockgate.secret import without_secrets
from lockgate.settings.project import Project
from lockgate.words import Request

# What reaches a database or a vault without being a secret by its name.
_WAYS_OUT = ("PG", "AWS_", "AZURE_", "GOOGLE_", "VAULT_", "MYSQL_")


def trace_apart(
    request: Request, project: Project, scratch: ScratchDatabase, heads: tuple[str, ...], workload: Workload | None = None
) -> Told:
    """
    Run the pending revisions and their way back on a scratch database, in another process.

    Args:
        heads: applied ones; the way back is tried where there is one at most.
        workload: queries to be tried before and after the revisions.
    Raises:
        LockgateError: whatever the other process gave up with; Unreachable `no-plan` where it could not even tell.
    """
    back = heads[0] if len(heads) == 1 else "" if heads else "base"
    orders = Orders(str(project.folder), request.environment, scratch.url.render().reveal(), request.to, back, workload)
    # -P: `-m` would otherwise look for modules where the caller stands, as `lockgate` itself does not.
    done = subprocess.run(
        [sys.executable, "-P", "-m", "lockgate.runs.traced"],
        input=msgspec.json.encode(orders),
        stdout=subprocess.PIPE,
        env=_harmless(request.environ, project),
        check=False,
    )
    try:
        told = msgspec.json.decode(done.stdout, type=Told)
    except msgspec.DecodeError:
        what = f"the process that ran the revisions ended with status {done.returncode} before it could tell what they did"
        raise Unreachable("no-plan", what, scratch.url.place, "look at what it wrote to standard error") from None
    if told.trouble is not None:
        _give_up(told)
    return told


def _harmless(environ: Mapping[str, str], project: Project) -> dict[str, str]:
    """Variables without credentials, and without any that leads to a database."""
    environments = project.environments.values()
    ours = {name for environment in environments for name in (*environment.export, environment.url.value, project.variable.name)}
    return {
        name: value for name, value in without_secrets(environ).items() if name not in ours and not name.startswith(_WAYS_OUT)
    }


def _give_up(told: Told) -> NoReturn:
    trouble = told.trouble
    if trouble is None or trouble.code not in CODES:
        raise Bug("internal", f"the plan's process told nonsense: {json.dumps(trouble and trouble.code)}")
    hint = trouble.hint
    if trouble.code == "env-failed":
        hint = "revisions are planned without credentials: give env.py a default for what it reads from a variable; it is led to the copy anyway"
    error: LockgateError = CODES[trouble.code](trouble.code, trouble.what, trouble.where, hint)
    raise error
