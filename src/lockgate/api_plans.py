"""The verbs that judge revisions, as functions: what `lockgate.plan`, `lockgate.lint` and `lockgate.approve` are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Unpack

from lockgate.api import Options, quiet, request_of
from lockgate.events import Notify
from lockgate.hazards.fail_on import check_fail_on
from lockgate.hazards.plan import PlanOutcome
from lockgate.runs import approve as _approve
from lockgate.runs import lint as _lint
from lockgate.runs import plan_out as _plan_out
from lockgate.runs.plan_questions import Probing
from lockgate.settings.project import Project
from lockgate.words import APPROVER_KEY, Verb


def plan(
    project: Project,
    environment: str,
    revision: str = "head",
    *,
    fail_on: Sequence[str] = (),
    probe_data: bool = False,
    queries: str = "",
    style: bool = False,
    out: str | Path = "",
    valid_for: str = "",
    **options: Unpack[Options],
) -> PlanOutcome:
    """
    Say what the pending revisions will do to an environment's database; the same as `lockgate plan`, reads only.

    Args:
        revision: target in Alembic's notation.
        fail_on: any of `error`, `warning`, `note`, and the ids or names of hazards: what is not to be found.
        probe_data: ask tables of more than 1 GB as well.
        queries: file with queries of the application, instead of those that the server has counted.
        style: tell matters of taste as well.
        out: file to keep the plan in, for `approve` and `upgrade`.
        valid_for: how long that plan may be run: `30m`, `12h`, `7d`, which it is where nothing is given.
    Returns:
        Effects and findings; `code` is `plan-fails` where a revision fails on the scratch copy, `plan-findings` where something of
        `fail_on` is found.
    Raises:
        LockgateError: `no-plan` where it cannot be told; otherwise as `upgrade`.
    """
    check_fail_on(fail_on, "fail_on")
    planner, probing = _plan_out.planner(str(out), valid_for), Probing(probe_data, queries, style)
    request = request_of(Verb.PLAN, environment, options, revision)
    return planner(request, project, options.get("notify") or quiet, probing).strict(fail_on)


def lint(
    project: Project,
    *revisions: str,
    since: str = "",
    static: bool = False,
    style: bool = False,
    fail_on: Sequence[str] = ("error",),
    environ: Mapping[str, str] | None = None,
    notify: Notify | None = None,
) -> PlanOutcome:
    """
    Judge revisions without a target, all of them where none is named; the same as `lockgate lint`, contacts no environment.

    Args:
        revisions: ids, or their beginnings.
        since: a commit or branch: judge the revisions whose files are new or changed since HEAD left it.
        static: run nothing, read the SQL.
        style, fail_on: as of `plan`.
        environ, notify: see `Options`.
    Returns:
        As `plan`; `effects` without revisions where there is nothing to judge.
    Raises:
        LockgateError: `no-plan` where it cannot be told; `usage`, `revision-not-found`.
    """
    check_fail_on(fail_on, "fail_on")
    request = request_of(Verb.LINT, "", {"environ": environ})
    return _lint.lint(request, project, notify or quiet, _lint.Subject(revisions, since, static, style)).strict(fail_on)


def approve(project: Project, plan: str | Path, *, key: str | Path = APPROVER_KEY) -> _approve.Approval:
    """
    Sign a plan that was kept, and write it back with the signature; the same as `lockgate approve`, contacts no database.

    Whoever calls it has looked at the plan: nothing is shown.

    Args:
        key: file of the approver's private key.
    Raises:
        LockgateError: `plan-invalid`, `plan-differs`, `key-invalid`, `approver-unknown`, `unknown-environment`.
    """
    file, private = Path(plan), Path(key).expanduser()
    return _approve.approve(_approve.to_approve(project, file, private), file, private)
