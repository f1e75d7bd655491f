"""
The same reports as JSON, one document each; the shapes are written down in `docs/json.md`.

Every document has `ok`, `code` and `exit`. `changed` is a list of what was committed, empty for nothing. All text is
redacted before it is encoded: afterwards a mask could swallow a quotation mark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from lockgate.errors import CODES, NOTHING, LockgateError
from lockgate.outcome import EnvironmentRow, LedgerEntry, Outcome, Verified
from lockgate.report.findings_json import findings_fields
from lockgate.report.text import docs_page, outcome_error
from lockgate.secret import redact

if TYPE_CHECKING:  # every run ends in this module, few runs with these
    from lockgate.drift.outcome import DriftOutcome
    from lockgate.hazards.approved import SignedPlan
    from lockgate.hazards.plan import PlanOutcome
    from lockgate.seeds.export import ExportOutcome
    from lockgate.seeds.outcome import SeedOutcome


def error(failure: LockgateError) -> str:
    """Return what happened, where, what changed and what to do next."""
    return _document(failure.code, _error_fields(failure), failure.exit_code)


def outcome(done: Outcome) -> str:
    """Return an Outcome; the fields of an error come with it where it has a code."""
    failure = outcome_error(done)
    fields = dict(_fields(done)) | {"changed": list(done.changed)}
    return _document(done.code, (_error_fields(failure) if failure else {}) | fields)


def environments(rows: Sequence[EnvironmentRow], code: str = "") -> str:
    """Return the rows of `env`, `status` and `url --check`; `code` is what `--check` found."""
    return _document(code, {"environments": msgspec.to_builtins(list(rows))})


def history(name: str, entries: Sequence[LedgerEntry]) -> str:
    """Return the ledger of one environment, in the order given."""
    return _document("", {"environment": name, "entries": msgspec.to_builtins(list(entries))})


def verified(found: Verified, failure: LockgateError | None) -> str:
    """Return what `history --verify` found; the fields of an error come with it where a row is broken."""
    fields: Mapping[str, object] = msgspec.to_builtins(found)
    return _document(failure.code if failure else "", (_error_fields(failure) if failure else {}) | dict(fields))


def seeded(done: SeedOutcome) -> str:
    """Return what seeding did, a member of `seeds` per file."""
    fields: Mapping[str, object] = msgspec.to_builtins(done)
    return _document("", {"environment": done.environment, "place": done.place, "dry_run": done.dry_run, "seeds": fields["done"]})


def drifted(done: DriftOutcome, failure: LockgateError | None) -> str:
    """Return what `drift` found; the fields of an error come with it where there is a difference."""
    return _document(done.code, (_error_fields(failure) if failure else {}) | msgspec.to_builtins(done))


def planned(done: PlanOutcome, failure: LockgateError | None) -> str:
    """Return what the pending revisions do; the fields of an error come with it where one fails."""
    fields = {"environment": done.environment, "place": done.place, "effects": msgspec.to_builtins(done.effects)} | findings_fields(done.findings)
    return _document(done.code, (_error_fields(failure) if failure else {}) | fields)


def approved(signed: SignedPlan, approver: str, at: str) -> str:
    """Return which plan was approved, by whom and when."""
    plan = signed.plan
    fields = {"environment": plan.facts.environment, "plan": signed.digest, "revisions": list(plan.revisions), "expires_at": plan.expires_at}
    return _document("", {**fields, "approver": approver, "approved_at": at})


def key_made(path: str, public: str) -> str:
    """Return where a new private key is, and the public one."""
    return _document("", {"files": [path], "public_key": public})


def exported(done: ExportOutcome) -> str:
    """Return what `seed-export` wrote, a member of `files` per table."""
    fields: Mapping[str, object] = msgspec.to_builtins(done)
    return _document("", fields)


def written(paths: Sequence[str]) -> str:
    """Return the files that a verb wrote."""
    return _document("", {"files": list(paths)})


def url(name: str, value: str) -> str:
    """Return the connection URL: the one document that carries a secret, because it was asked for."""
    return _encode({**_verdict("", 0), "environment": name, "url": value})


def _error_fields(failure: LockgateError) -> dict[str, object]:
    changed = [] if failure.changed in ("", NOTHING) else [failure.changed]
    docs = docs_page(failure.code)
    return {"what": failure.what, "where": failure.where, "changed": changed, "hint": failure.hint, "docs": docs}


def _fields(done: Outcome) -> Mapping[str, object]:
    fields: Mapping[str, object] = msgspec.to_builtins(done)
    return fields


def _document(code: str, fields: Mapping[str, object], status: int | None = None) -> str:
    known = CODES[code].exit_code if code else 0
    return _encode(masked({**_verdict(code, known if status is None else status), **fields}))


def _verdict(code: str, status: int) -> dict[str, object]:
    return {"ok": status == 0, "code": code, "exit": status}


def masked(value: object) -> object:
    """Return the same with every secret in its texts masked."""
    if isinstance(value, str):
        return redact(value).encode(errors="replace").decode()  # argv and file names may hold bytes that are not UTF-8
    if isinstance(value, Mapping):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return value


def _encode(document: object) -> str:
    # `<\/` is the same text: a page that holds the document in a script is not ended by it.
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode().replace("</", "<\\/")
