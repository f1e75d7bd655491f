"""
May this verb touch this database? The whole policy as one pure function, worst reason first.

Source: design, section 3. The order of `_RULES` is the order of severity; the first rule with an opinion decides.
"""

from __future__ import annotations

from collections.abc import Callable

from lockgate.records import dataclass
from lockgate.words import SCRATCH, PlanCheck, Protection, Sight, Verb, Verdict

_YES = Verdict(True)


@dataclass(frozen=True)
class Asked:
    """
    What the user asked for, and everything around the call that the policy looks at.

    Args:
        environment: name of the environment asked for.
        project: name the project gives itself in its settings; empty where it gives none.
        variable: name of the environment variable that says for which environment a shell is set up.
        variable_value: its value; None where it is unset.
        variable_required: whether the settings insist on it for this verb.
        confirm: value of `CONFIRM_ENV` or the name typed at the prompt; None where nothing was confirmed.
        ci: whether `CI=true`.
        ci_allowed: whether `ALLOW_DESTRUCTIVE_IN_CI=1`.
        copy: whether the user says that the database is a copy (`adopt --copy`).
        seeds: whether the environment's seeds follow (`upgrade --seed`).
        deletes: whether the call may delete rows although its verb does not always (a seed that deletes).
        plan: the approved plan that came with the call, compared; None where none came.
        entering: whether a yes opens the gate; False for a look beforehand, which cannot have compared a plan as a whole yet.
    """

    verb: Verb
    environment: str
    project: str = ""
    protection: Protection = Protection.LOCKED
    variable: str = "LOCKGATE_ENV"
    variable_value: str | None = None
    variable_required: bool = False
    confirm: str | None = None
    ci: bool = False
    ci_allowed: bool = False
    copy: bool = False
    seeds: bool = False
    deletes: bool = False
    plan: PlanCheck | None = None
    entering: bool = True

    @property
    def called(self) -> str:
        """The verb as it was typed."""
        return f"{self.verb.value} --seed" if self.seeds and self.verb is Verb.UPGRADE else self.verb.value

    @property
    def destroys(self) -> bool:
        """Whether the call may lose data."""
        return self.verb.destroys or self.deletes


def decide(asked: Asked, sight: Sight) -> Verdict:
    """
    Decide whether `asked` may happen to the database that `sight` describes.

    Args:
        sight: a look at the connection that will do the work.
    Returns:
        A yes, with `adopt` where the marker is to be written first, or a refusal with one code, its reason and the next step.
    """
    if asked.verb is Verb.SEED_EXPORT:
        return _identity(asked, sight) or _export(asked, sight)
    if not asked.verb.acts and asked.verb is not Verb.RECORD:
        return _YES
    for rule in _RULES:
        verdict = rule(asked, sight)
        if verdict is not None:
            return verdict
    return _consent(asked, sight)


def _consent(asked: Asked, sight: Sight) -> Verdict:
    if sight.identity is None:
        return Verdict(True, adopt=True, notices=(f"empty database: marked as `{asked.environment}`",))
    if not sight.identity.cluster.same(sight.cluster):
        was = sight.identity.cluster.database
        return Verdict(
            True, adopt=True, notices=(f"this database is a copy (it was marked as `{was}`); its marker is bound to this one now",)
        )
    return _YES


def _export(asked: Asked, sight: Sight) -> Verdict:
    """A yes: the files will carry the environment's name, so whoever reads them must know where that is only an assumption."""
    if sight.identity is None:
        return Verdict(True, notices=(f"this database does not say which environment it is; you say it is `{asked.environment}`",))
    if not sight.identity.cluster.same(sight.cluster):
        return Verdict(True, notices=(f"this database is a copy of `{asked.environment}`: its rows may be older",))
    return _YES


def _scratch(asked: Asked, sight: Sight) -> Verdict | None:
    marker = sight.identity
    if marker is None or marker.environment != SCRATCH or asked.verb is Verb.ADOPT or asked.plan is not None:
        return None
    if marker.cluster.same_system(sight.cluster):
        return _YES
    return _no(
        "copied-database",
        "this database says it is a scratch database of another server",
        "drop it, or restore it into a database of its own",
    )


def _identity(asked: Asked, sight: Sight) -> Verdict | None:
    marker = sight.identity
    if marker is None or (marker.environment == asked.environment and marker.project == asked.project):
        return None
    is_copy = not marker.cluster.same(sight.cluster)
    if asked.verb is Verb.ADOPT and asked.copy and is_copy:
        return None
    if marker.environment != asked.environment:
        hint = f"point `{asked.environment}` at its own database, or run `lockgate status {marker.environment}` if you meant `{marker.environment}`"
        if is_copy:
            hint = f"if it is a copy that `{asked.environment}` shall keep, run `lockgate adopt {asked.environment} --copy`; otherwise point `{asked.environment}` at its own database"
        return _no("identity-mismatch", f"this database says it is `{marker.environment}`, you asked for `{asked.environment}`", hint)
    theirs, ours = marker.project or "(without a name)", asked.project or "(without a name)"
    hint = f'if it is one project, write `project = "{marker.project}"` in the settings; otherwise point `{asked.environment}` at its own database'
    return _no("identity-mismatch", f"this database belongs to project `{theirs}`, you are in project `{ours}`", hint)


def _copy(asked: Asked, sight: Sight) -> Verdict | None:
    marker = sight.identity
    if marker is None or marker.cluster.same(sight.cluster):
        return None
    if asked.verb is Verb.ADOPT and asked.copy:
        return None
    if asked.protection is Protection.OPEN and asked.verb not in (Verb.ADOPT, Verb.RECORD):
        return None
    return _no(
        "copied-database",
        f"this database is a copy: its marker was written for `{marker.cluster.database}`, not for `{sight.cluster.database}`",
        f"if `{asked.environment}` shall keep it, run `lockgate adopt {asked.environment} --copy`",
    )


def _unmarked(asked: Asked, sight: Sight) -> Verdict | None:
    if sight.identity is not None or asked.verb is Verb.ADOPT:
        return None
    if sight.empty and asked.verb is Verb.UPGRADE and asked.protection is Protection.OPEN:
        return None
    kind = "an empty database" if sight.empty else f"a database with {len(sight.tables)} table{'s' if len(sight.tables) != 1 else ''}"
    return _no(
        "unmarked",
        f"this is {kind} that does not say which environment it is",
        f"run `lockgate adopt {asked.environment}` once, after checking host and database",
    )


def _recording(asked: Asked, sight: Sight) -> Verdict | None:
    return _YES if asked.verb is Verb.RECORD else None


def _variable(asked: Asked, sight: Sight) -> Verdict | None:
    if asked.variable_value is None:
        if not asked.variable_required:
            return None
        return _no(
            "environment-variable",
            f"`{asked.variable}` is not set, and `{asked.called}` requires it",
            f"export {asked.variable}={asked.environment}",
        )
    if asked.variable_value == asked.environment:
        return None
    reason = f"`{asked.variable}` says `{asked.variable_value}`, you asked for `{asked.environment}`"
    return _no("environment-variable", reason, f"export {asked.variable}={asked.environment}, or ask for the environment that it names")


def _foreign_confirmation(asked: Asked, sight: Sight) -> Verdict | None:
    if asked.confirm in (None, "", asked.environment):
        return None
    return _no(
        "unconfirmed",
        f"the confirmation names `{asked.confirm}`, you asked for `{asked.environment}`",
        f"set CONFIRM_ENV={asked.environment}; a confirmation names exactly one environment",
    )


def _already_adopted(asked: Asked, sight: Sight) -> Verdict | None:
    return _YES if asked.verb is Verb.ADOPT and sight.identity is not None and sight.identity.cluster.same(sight.cluster) else None


def _locked(asked: Asked, sight: Sight) -> Verdict | None:
    if asked.protection is not Protection.LOCKED or asked.verb is Verb.ADOPT:
        return None
    name = asked.environment
    if asked.verb is not Verb.UPGRADE or asked.seeds:
        return _no(
            "locked",
            f"environment `{name}` is locked: `{asked.called}` is never allowed on it, only `upgrade` with an approved plan",
            'for an environment that people may change, write `protection = "confirm"` in its settings',
        )
    if asked.plan is not None:
        return None
    return _no(
        "locked",
        f"environment `{name}` is locked: only an approved plan may change it",
        f"lockgate plan {name} --out plan.json, then CONFIRM_ENV={name} lockgate upgrade {name} --plan plan.json",
    )


def _planned(asked: Asked, sight: Sight) -> Verdict | None:
    plan = asked.plan
    if plan is None:
        return None
    again = f"look at what changed, then plan again: lockgate plan {asked.environment} --out plan.json"
    if asked.verb is not Verb.UPGRADE or asked.seeds:
        return _no("plan-differs", f"a plan holds revisions, and `{asked.called}` does more or something else", again)
    if plan.differences:
        return _no("plan-differs", "\n".join(["what is there now is not what was planned", *plan.differences]), again)
    if plan.unapproved:
        return _no("unapproved", plan.unapproved, "lockgate approve plan.json")
    if asked.entering and not plan.whole:
        return _no("plan-differs", "the plan was not compared with the schema", again)
    return None


def _unconfirmed(asked: Asked, sight: Sight) -> Verdict | None:
    needed = asked.verb is Verb.ADOPT or asked.destroys or asked.protection is not Protection.OPEN
    if not needed or asked.confirm == asked.environment:
        return None
    reason = f"`{asked.called}` on `{asked.environment}` needs a confirmation"
    if asked.destroys:
        reason = f"`{asked.called}` may lose data and needs a confirmation"
    return _no("unconfirmed", reason, f"set CONFIRM_ENV={asked.environment}")


def _in_ci(asked: Asked, sight: Sight) -> Verdict | None:
    if not (asked.ci and asked.destroys) or asked.ci_allowed:
        return None
    return _no(
        "destructive-in-ci",
        f"`{asked.called}` may lose data, and this is a CI job",
        "set ALLOW_DESTRUCTIVE_IN_CI=1 in the job that is meant to do it",
    )


def _no(code: str, reason: str, hint: str) -> Verdict:
    return Verdict(False, code, reason, hint)


_RULES: tuple[Callable[[Asked, Sight], Verdict | None], ...] = (
    _scratch,
    _identity,
    _copy,
    _unmarked,
    _recording,
    _variable,
    _foreign_confirmation,
    _already_adopted,
    _locked,
    _planned,
    _unconfirmed,
    _in_ci,
)
