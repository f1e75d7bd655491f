"""`approve`: a person's signature under a plan; no database is contacted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lockgate.errors import Refused, UsageError
from lockgate.files import read_private, read_text, replace_text, write_private
from lockgate.hazards.approved import Signature, SignedPlan, approval, read_plan, stale, write_plan
from lockgate.runs.approved import tools
from lockgate.runs.target import environment_of
from lockgate.settings.project import Project
from lockgate.signing import new_key, public_of, sign


@dataclass(frozen=True)
class Approval:
    """
    A plan and who is about to approve it, or has done so.

    Args:
        at: ISO 8601 in UTC; empty before.
    """

    signed: SignedPlan
    approver: str
    at: str = ""


def make_key(path: Path) -> str:
    """
    Make a key pair, write the private key into a file that only this user can read, and return the public one.

    Raises:
        UsageError: `file-exists`, `extra-missing`.
    """
    pem, public = new_key()
    write_private(path, pem)
    return public


def to_approve(project: Project, file: Path, key: Path) -> Approval:
    """
    Read what is about to be approved, and whose key this is.

    Raises:
        UsageError: `plan-invalid`, `key-invalid`, `unknown-environment`; `approver-unknown`: the settings do not know the key, or do
            not let its owner approve for this environment.
        Refused: `plan-differs`: the plan was edited, has expired, or was made by other tools.
    """
    signed = read_plan(read_text(file, "plan-invalid"), str(file))
    environment = environment_of(project, signed.plan.facts.environment)
    found = stale(signed, tools(), datetime.now(UTC))
    if found:
        hint = f"plan again: lockgate plan {environment.name} --out {file}"
        raise Refused("plan-differs", "\n".join(["this plan could not be run any more", *found]), str(file), hint)
    if not key.exists():
        raise UsageError("key-invalid", "there is no private key to sign with", str(key), f"make one: lockgate approve --new-key {key}")
    public = public_of(read_private(key, "key-invalid"), str(key))
    name = next((name for name, known in project.approvers.items() if known == public), "")
    if not name:
        hint = f'write it under `[approvers]` of {project.settings_file}: NAME = "{public}"'
        raise UsageError("approver-unknown", "no approver in the settings has this key", str(key), hint)
    if name not in environment.approvers:
        what = f"`{name}` is none of the approvers of `{environment.name}`"
        hint = f'write `approvers = ["{name}"]` into its settings, in a commit that somebody reviews'
        raise UsageError("approver-unknown", what, environment.where, hint)
    return Approval(signed, name)


def approve(asked: Approval, file: Path, key: Path) -> Approval:
    """
    Sign what was read, and write it back with the signature.

    Raises:
        UsageError: the file cannot be written.
    """
    at = datetime.now(UTC).isoformat(timespec="seconds")
    message = approval(asked.signed.digest, asked.approver, at)
    signature = Signature(approver=asked.approver, at=at, signature=sign(read_private(key, "key-invalid"), message, str(key)))
    signed = asked.signed.signed(signature)
    replace_text(file, write_plan(signed))
    return Approval(signed, asked.approver, at)
