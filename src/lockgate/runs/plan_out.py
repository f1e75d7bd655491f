"""`plan --out`: a plan that is kept, to be approved and to be held against what is there when it is run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec

from lockgate.errors import LockgateError, Refused, UsageError
from lockgate.events import Event, Notice, Notify
from lockgate.files import graph_of, read_text, replace_text
from lockgate.files.planned import check_beside
from lockgate.hazards.approved import ApprovedPlan, Facts, SignedPlan, differences, duration, read_plan, sealed, write_plan
from lockgate.hazards.effects import Effects
from lockgate.hazards.findings import Findings
from lockgate.hazards.plan import PlanOutcome
from lockgate.report.json import masked
from lockgate.runs.approved import facts_of, schema_digest
from lockgate.runs.checkout import marked_commit_of
from lockgate.runs.edited import Kept, check_edited
from lockgate.runs.gate import check_identity, find, opened
from lockgate.runs.plan import plan
from lockgate.runs.plan_questions import Probing
from lockgate.runs.target import Target
from lockgate.settings.project import Project
from lockgate.words import Request, Sight, VersionTable

_A_WEEK = "7d"

Planner = Callable[[Request, Project, Notify, Probing], PlanOutcome]


def planner(out: str, valid_for: str) -> Planner:
    """
    Return how to plan: as `plan` does, or so that the plan is written into a file as well.

    Args:
        out: the file; empty for none.
        valid_for: see `duration`; empty for a week.
    Raises:
        UsageError: `usage`: no time for which a plan can be valid, or nothing is kept; `-` is no file.
    """
    if valid_for and not out:
        raise UsageError("usage", "`--valid-for` is about a plan that is kept, and none is", "--valid-for", "name its file: --out plan.json")
    if out == "-":
        raise UsageError("usage", "`-` is no file: a plan is kept in one, and read from it again", "--out", "name it: --out plan.json")
    return partial(plan_into, Path(out), duration(valid_for or _A_WEEK)) if out else plan


def plan_into(
    out: Path, valid_for: timedelta, request: Request, project: Project, notify: Notify, probing: Probing | None = None
) -> PlanOutcome:
    """
    Plan, and write the plan into a file unless a revision fails, or will, and no comment allows it; what is there is replaced.

    Raises:
        Refused: `unmarked`; `revision-edited`, as the run would be; `plan-differs`: files or database changed while they were looked at,
            so nobody knows what was seen.
        LockgateError: as `plan`, and where the file cannot be written.
    """
    check_beside(project, out)
    _check_replaceable(out)
    before = _facts(project, *_allowed(request, project))
    if not before.database.marker:
        what = "this database does not say which environment it is, and a plan is for one database alone"
        raise Refused("unmarked", what, before.database.place, f"lockgate adopt {request.environment}")
    done = plan(request, project, notify, probing)
    if done.code:
        notify(Notice("no plan was written: a revision fails, or will"))
        return done
    made = _plan(before, done, request, project, valid_for)
    changed = differences(made, _facts(project, *find(request, project)), "", datetime.now(UTC))
    if changed:
        what = "\n".join(["something changed while it was being planned", *changed])
        raise Refused("plan-differs", what, f"environment `{request.environment}`, {done.place}", "plan again when all is at rest")
    replace_text(out, write_plan(made))
    notify(Notice(f"wrote {out}: plan {made.digest[:12]}, valid until {made.plan.expires_at}"))
    return done


def _check_replaceable(out: Path) -> None:
    """Raise UsageError `file-exists` where something else than a plan is in the place; a plan is replaced."""
    if not out.exists():
        return
    try:
        read_plan(read_text(out, "plan-invalid"))
    except LockgateError as error:
        raise UsageError("file-exists", f"`{out.name}` is there and is no plan; it is left as it is", str(out), "name another file") from error


def _allowed(request: Request, project: Project) -> tuple[Target, Sight]:
    """Look; refuse before a long plan what would be refused when it is run."""
    kept = Kept(graph_of(project))
    target, seen = find(request, project, kept)
    check_identity(request, target, seen)
    check_edited(kept.edited(seen.heads), target.environment, target.where, _quiet)
    return target, seen


def _quiet(event: Event) -> None:
    """The plan itself tells what is no reason to refuse it."""


def _facts(project: Project, target: Target, seen: Sight) -> Facts:
    versions = seen.version_table or seen.kept_version_table or VersionTable()
    with opened(target) as session:
        schema = schema_digest(session, target.dialect, versions, target.environment.lock_wait)
    return facts_of(project, target.environment, seen, versions, schema)


def _plan(facts: Facts, done: PlanOutcome, request: Request, project: Project, valid_for: timedelta) -> SignedPlan:
    now = datetime.now(UTC).replace(microsecond=0)
    return sealed(
        ApprovedPlan(
            facts=facts,
            target=request.to or "head",
            revisions=tuple(revision.id for revision in done.effects.revisions),
            made_at=now.isoformat(),
            expires_at=(now + valid_for).isoformat(),
            made_by=request.operator,
            git_commit=marked_commit_of(project.folder, facts.files, request.environ),
            # The file is shown, sent and kept; the catalog's definitions may hold what nobody should read.
            findings=msgspec.convert(masked(msgspec.to_builtins(done.findings)), Findings),
            effects=msgspec.convert(masked(msgspec.to_builtins(done.effects)), Effects),
        )
    )
