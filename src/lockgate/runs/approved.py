"""An approved plan that a run must be: read once, compared at the first look, and as a whole on the working connection under the lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from lockgate.dialects.base import BareSession, Dialect
from lockgate.errors import Refused, UsageError
from lockgate.files import read_text
from lockgate.files.planned import planned_files
from lockgate.hazards.answers import Kind
from lockgate.hazards.approved import Facts, SignedPlan, approval, database_of, differences, read_plan
from lockgate.hazards.plan import recorded_work
from lockgate.permit import Session
from lockgate.runs.plan_questions import turned
from lockgate.runs.target import Target
from lockgate.settings.project import Environment, Project
from lockgate.signing import is_good
from lockgate.version import __version__
from lockgate.words import PlanCheck, Request, Sight, Step, Verb, VersionTable

_IN_THE_WAY: Mapping[Kind, str] = {
    **{"rows": "rows", "values": "values", "nulls": "NULLs", "duplicates": "duplicate keys", "orphans": "keys without a row at the other end"},
    **{"violations": "rows", "outside": "rows out of bounds", "unfit": "values that do not fit"},
    **{"referenced": "references", "taken": "taken keys", "computed": "new values"},
}


class Proof:
    """
    One plan, for one run.

    Args:
        target: what was asked for besides the plan, in Alembic's notation; empty for nothing.
    """

    def __init__(self, signed: SignedPlan, project: Project, environment: Environment, target: str = "") -> None:
        self.signed = signed
        self._project = project
        self._environment = environment
        self._target = target
        self._work = recorded_work(signed.plan.effects)  # now: later, tables are locked while it is asked for
        self._schema = ""  # digest, at the first look
        self._reached: Target | None = None  # by the first look

    @property
    def target(self) -> str:
        """Where the plan leads, in Alembic's notation."""
        return self.signed.plan.target

    @property
    def approvers(self) -> tuple[str, ...]:
        """Those of the environment's approvers whose signature is good."""
        return tuple(
            one.approver
            for one in self.signed.signatures
            if one.approver in self._environment.approvers
            and is_good(self._project.approvers[one.approver], one.signature, approval(self.signed.digest, one.approver, one.at))
        )

    @property
    def told(self) -> str:
        """The plan in one line, for people."""
        plan, names = self.signed.plan, " and ".join(f"`{name}`" for name in self.approvers)
        return f"plan {self.signed.digest[:12]} of {plan.made_at} by {plan.made_by or 'unknown'}" + (f", approved by {names}" if names else "")

    @property
    def entry(self) -> dict[str, object]:
        """What the ledger keeps of it."""
        return {"plan": self.signed.digest, "approved_by": self.approvers}

    def work(self, revision: str) -> dict[str, object]:
        """What the ledger keeps of a revision's work, for the estimates of later plans; empty where that is not known."""
        return {"work": msgspec.to_builtins(self._work[revision])} if revision in self._work else {}

    def read(self, session: BareSession, target: Target, seen: Sight) -> None:
        """Read the schema at the first look, see `lockgate.runs.gate.Also`: where it differs, env.py is not run at all."""
        planned, self._reached = self.signed.plan.facts.database, target
        if seen.identity is not None and seen.identity.marker_id == planned.marker:  # another database's schema is none of the plan's
            self._schema = schema_digest(session, target.dialect, planned.versions, self._environment.lock_wait)

    def glance(self, seen: Sight) -> PlanCheck:
        """Compare what a look can tell, with the schema as it was at the first one."""
        return self._check(seen, self._schema)

    def check_env(self, session: Session, dialect: Dialect, place: str) -> None:
        """
        Refuse an env.py that writes rows itself, before it calls `context.configure`.

        They would have to be committed before the lock is taken, so before all is compared; and nobody approved them.

        Args:
            session: over env.py's connection, in the transaction that it began; the caller undoes that.
        Raises:
            Refused: `plan-differs`.
        """
        if dialect.session_has_written(session):
            what = "refused to upgrade: a plan holds revisions and nothing else\nenv.py: it wrote to the database before `context.configure`"
            raise Refused("plan-differs", what, place, "write it in a revision, or in a run of its own before the plan is made")

    def compare(self, session: Session, dialect: Dialect, seen: Sight) -> PlanCheck:
        """
        Compare everything.

        Args:
            session: the one that will do the work, under the lock; its transaction stays open, and holds nothing but reads.
            seen: on this very session.
        """
        planned = self.signed.plan.facts.database
        schema = schema_digest(session, dialect, planned.versions, self._environment.lock_wait)
        check = self._check(seen, schema)
        return PlanCheck(True, check.differences, check.unapproved)

    def check_rows(self, place: str) -> None:
        """
        Ask the database once more about the rows that must not be there, over a connection of its own; called under the lock.

        Raises:
            Refused: `plan-differs`: there were none when it was planned, and now there are; the revision would fail on them.
        """
        found = turned(self.signed.plan.effects, self._reached) if self._reached else ()
        if found:
            lines = [
                f"rows: {_IN_THE_WAY[one.kind]} of `{one.table}` ({one.subject}) stand in the way of `{one.revision}`: none when planned, {one.count} now"
                for one in found
            ]
            what = "\n".join(["refused to upgrade: what is there now is not what was planned", *lines])
            raise Refused("plan-differs", what, place, "mend the rows and run the plan again, or plan anew with a revision that mends them")

    def check_steps(self, steps: Sequence[Step], place: str) -> None:
        """
        Hold the steps that Alembic found, and the files that it has loaded for them, to the plan.

        Raises:
            Refused: `plan-differs`.
        """
        found = [f"{step.direction} of `{step.revision}`" for step in steps]
        wanted = [f"upgrade of `{revision}`" for revision in self.signed.plan.revisions]
        if found != wanted:
            what = f"steps: planned {', '.join(wanted) or 'none'}, now {', '.join(found) or 'none'}"
        elif self.signed.plan.facts.files != planned_files(self._project):
            what = "a file was changed while the run was reading the history"
        else:
            return
        hint = f"look at what changed, then plan again: lockgate plan {self._environment.name} --out plan.json"
        raise Refused("plan-differs", f"refused to upgrade: what would run is not what was planned\n{what}", place, hint)

    def _check(self, seen: Sight, schema: str) -> PlanCheck:
        facts = facts_of(self._project, self._environment, seen, self.signed.plan.facts.database.versions, schema)
        found = differences(self.signed, facts, self._target, datetime.now(UTC))
        if self._project.bootstrap is not None and seen.empty:
            found = (*found, "base tables: the database is empty and would get those of [bootstrap] first, which are in no plan")
        return PlanCheck(False, found, self._unapproved())

    def _unapproved(self) -> str:
        wanted = self._environment.approvers
        if not wanted or self.approvers:
            return ""
        names = " or ".join(f"`{name}`" for name in wanted)
        signed = ", ".join(f"`{one.approver}`" for one in self.signed.signatures)
        if not signed:
            return f"nobody has approved this plan: `{self._environment.name}` wants the signature of {names}"
        return f"the signature of {signed} does not count: it must be that of {names}, over this plan, with the key in the settings"


def proof_of(request: Request, project: Project, environment: Environment) -> Proof | None:
    """
    Read the plan that came with a request; None where none came.

    Raises:
        UsageError: `plan-invalid`; `usage` where the call does more than a plan holds.
    """
    if not request.plan:
        return None
    more = {"--seed": request.seeds, "--create-database": request.create, "--from-snapshot": request.from_schema is not None}
    for option, given in more.items():
        if given:
            what = f"a plan holds revisions and nothing else: `--plan` does not go with `{option}`"
            raise UsageError("usage", what, hint=f"lockgate upgrade {request.environment} --plan {request.plan}")
    if request.verb is not Verb.UPGRADE:
        raise UsageError("usage", f"a plan is for `upgrade`, not for `{request.verb.value}`")
    return Proof(read_plan(read_text(Path(request.plan), "plan-invalid"), request.plan), project, environment, request.to)


def facts_of(project: Project, environment: Environment, seen: Sight, versions: VersionTable, schema: str) -> Facts:
    """
    Collect what a plan is compared by, as it is now.

    Args:
        versions: Alembic's version table.
        schema: digest; empty where it was not read.
    Raises:
        Unreachable, UsageError: as `planned_files`.
    """
    return Facts(
        environment=environment.name,
        project=project.name,
        files=planned_files(project),
        tools=tools(),
        database=database_of(seen, versions, schema),
    )


def schema_digest(session: Session, dialect: Dialect, versions: VersionTable, patience: float) -> str:
    """
    Hash the schema behind a session, without its registry and version table; in the open transaction, reads only.

    Args:
        patience: seconds to wait for a table that somebody holds exclusively.
    """
    dialect.bound_waiting(session, patience)
    return dialect.snapshot(session, versions).digest


def tools() -> dict[str, str]:
    """Return the versions of what turns files into statements."""
    return {"lockgate": __version__, "alembic": version("alembic"), "sqlalchemy": version("sqlalchemy")}
