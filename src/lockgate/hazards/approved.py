"""
An approved plan as a value with a JSON form: what was to be run, on what, and what it was seen to do.

What runs are always the files. A plan only says what they were; whether that is still so is `differences()`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from lockgate.errors import UsageError
from lockgate.hazards.effects import Effects
from lockgate.hazards.findings import Findings
from lockgate.hazards.seen import Value
from lockgate.words import Cluster, Sight, VersionTable

FORMAT = 1
LONGEST = timedelta(days=90)
_NAMED = 10  # files
_SHOWN = 12  # hexadecimal digits of a hash
_DURATION = re.compile(r"([0-9]{1,5})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class PlannedDatabase(Value, frozen=True, kw_only=True):
    """
    A database as a plan, or the run that follows it, found it.

    Args:
        place: host:port/database, for people; it may change.
        marker: the id of its identity marker, which no other database has.
        kind, system, database: see `lockgate.words.Cluster`.
        heads: applied revisions, sorted.
        schema: `Snapshot.digest`; empty where it was not read.
        version_table, version_schema: Alembic's, which is no part of the schema.
    """

    place: str = ""
    marker: str = ""
    kind: str = ""
    system: str = ""
    database: str = ""
    heads: tuple[str, ...] = ()
    schema: str = ""
    version_table: str = "alembic_version"
    version_schema: str = ""

    @property
    def cluster(self) -> Cluster:
        """The physical database."""
        return Cluster(self.kind, self.system, self.database)

    @property
    def versions(self) -> VersionTable:
        """Alembic's version table."""
        return VersionTable(self.version_table, self.version_schema)


class Facts(Value, frozen=True, kw_only=True):
    """
    Everything that must be the same when a plan is run.

    Args:
        files: SHA-256 of each file by its name below the project's folder: revisions, what lies beside them, env.py and the settings.
        tools: version by name: lockgate, Alembic, SQLAlchemy.
    """

    environment: str
    project: str
    files: dict[str, str]
    tools: dict[str, str]
    database: PlannedDatabase


class ApprovedPlan(Value, frozen=True, kw_only=True):
    """
    What was planned.

    Args:
        format: of the JSON; 1.
        target: as it was asked for, in Alembic's notation.
        revisions: ids, in the order in which they will run.
        made_at, expires_at: ISO 8601 in UTC.
        made_by: `user@host`. git_commit: of the checkout, `-dirty` behind it where a file is not as in it, empty where there is none. Neither is compared.
    """

    format: int = FORMAT
    facts: Facts
    target: str
    revisions: tuple[str, ...] = ()
    made_at: str
    expires_at: str
    made_by: str = ""
    git_commit: str = ""
    findings: Findings = Findings()
    effects: Effects = Effects()


class Signature(Value, frozen=True, kw_only=True):
    """
    One person's yes.

    Args:
        approver: the name that the settings give the key.
        at: ISO 8601 in UTC.
        signature: Ed25519 over `approval()`, in base64.
    """

    approver: str
    at: str
    signature: str


class SignedPlan(Value, frozen=True, kw_only=True):
    """
    The file: a plan, its hash and who approved it.

    Args:
        digest: of `plan` when it was written; see `digest_of`.
    """

    plan: ApprovedPlan
    digest: str
    signatures: tuple[Signature, ...] = ()

    @property
    def intact(self) -> bool:
        """Whether nobody has changed the plan since it was written; layout does not count."""
        return digest_of(self.plan) == self.digest

    def signed(self, signature: Signature) -> SignedPlan:
        """Return the plan with one more signature, which takes the place of an earlier one by the same name."""
        others = tuple(one for one in self.signatures if one.approver != signature.approver)
        return SignedPlan(plan=self.plan, digest=self.digest, signatures=(*others, signature))


def digest_of(plan: ApprovedPlan) -> str:
    """Return the SHA-256 of a plan, in hexadecimal digits: the same for the same values, however the file is laid out."""
    return hashlib.sha256(b"lockgate plan 1\n" + msgspec.json.encode(plan, order="sorted")).hexdigest()


def sealed(plan: ApprovedPlan) -> SignedPlan:
    """Return a plan with its hash, as it is written first."""
    return SignedPlan(plan=plan, digest=digest_of(plan))


def approval(digest: str, approver: str, at: str) -> bytes:
    """Return what an approver signs: nothing else can be taken for it, and it cannot be taken for anything else."""
    return b"lockgate approval 1\n" + msgspec.json.encode([digest, approver, at])


def write_plan(signed: SignedPlan) -> str:
    """Return the JSON form."""
    filled = msgspec.structs.replace(signed, plan=msgspec.structs.replace(signed.plan, format=FORMAT))
    return msgspec.json.format(msgspec.json.encode(filled, order="sorted"), indent=1).decode() + "\n"


def read_plan(text: str | bytes, where: str = "") -> SignedPlan:
    """
    Read what `write_plan` wrote; whether it is intact is a question of its own.

    Args:
        where: the file, for the error.
    Raises:
        UsageError: `plan-invalid`.
    """
    try:
        found = msgspec.json.decode(text, type=SignedPlan)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        hint = "make it again: lockgate plan ENV --out plan.json"
        raise UsageError("plan-invalid", f"this is no plan that this lockgate can read: {error}", where, hint) from error
    if found.plan.format != FORMAT:
        what = f"this plan has format {found.plan.format}, this lockgate reads {FORMAT}"
        raise UsageError("plan-invalid", what, where, "make the plan again with this lockgate")
    return found


def duration(text: str) -> timedelta:
    """
    Read `30m`, `12h` or `7d`.

    Raises:
        UsageError: `usage`: something else, nothing at all, or more than 90 days.
    """
    found = _DURATION.fullmatch(text.strip())
    length = int(found[1]) * _UNITS[found[2]] if found else timedelta()
    if not timedelta() < length <= LONGEST:
        what = f"`{text}` is no time for which a plan can be valid: 1 minute to {LONGEST.days} days"
        raise UsageError("usage", what, "--valid-for", "write 30m, 12h or 7d")
    return length


def database_of(seen: Sight, versions: VersionTable, schema: str = "") -> PlannedDatabase:
    """Return what a look, and a digest of the schema where one was made, say of a database."""
    cluster = seen.cluster
    return PlannedDatabase(
        place=seen.place,
        marker=seen.identity.marker_id if seen.identity else "",
        kind=cluster.kind,
        system=cluster.system,
        database=cluster.database,
        heads=seen.heads,
        schema=schema,
        version_table=versions.name,
        version_schema=versions.schema,
    )


def stale(signed: SignedPlan, tools: Mapping[str, str], now: datetime) -> tuple[str, ...]:
    """Say why a plan cannot be used any more, whatever the files and the database are."""
    return tuple(_stale(signed, tools, now))


def differences(signed: SignedPlan, facts: Facts, target: str, now: datetime) -> tuple[str, ...]:
    """
    Say what is not as it was planned, old and new.

    Args:
        facts: of now; a schema that is empty was not read, and is not compared.
        target: asked for now, in Alembic's notation; empty for the plan's own.
        now: with a time zone.
    Returns:
        A sentence each; none where all that could be compared is the same.
    """
    planned = signed.plan.facts
    found = list(_stale(signed, facts.tools, now))
    for word, old, new in (("environment", planned.environment, facts.environment), ("project", planned.project, facts.project)):
        found += [f"{word}: planned for `{old}`, asked for `{new}`"] if old != new else []
    if target not in ("", signed.plan.target):
        found.append(f"target: planned up to `{signed.plan.target}`, asked for `{target}`")
    return (*found, *_other_database(planned.database, facts.database), *_other_files(planned.files, facts.files))


def _stale(signed: SignedPlan, tools: Mapping[str, str], now: datetime) -> Iterator[str]:
    if not signed.intact:
        yield f"the plan itself: it was changed after it was written (sha256 {signed.digest[:_SHOWN]} then, {digest_of(signed.plan)[:_SHOWN]} now)"
    yield from _each(signed.plan.facts.tools, tools, lambda name, old, new: f"{name}: {old or 'none'} when planned, {new or 'none'} now")
    try:
        expired = now >= datetime.fromisoformat(signed.plan.expires_at)
    except (ValueError, TypeError):  # no moment, or one without a time zone
        expired = True
    if expired:
        yield f"time: the plan was valid until {signed.plan.expires_at}, it is {now.isoformat(timespec='seconds')} now"


def _other_database(old: PlannedDatabase, new: PlannedDatabase) -> Iterator[str]:
    if not old.marker or old.marker != new.marker or not old.cluster.same(new.cluster):
        yield f"database: planned for {old.place} (marker {old.marker or 'none'}), this is {new.place} (marker {new.marker or 'none'})"
    if old.heads != new.heads:
        yield f"revision: planned from `{', '.join(old.heads) or 'base'}`, the database is at `{', '.join(new.heads) or 'base'}`"
    if not old.schema or (new.schema and old.schema != new.schema):
        yield f"schema: sha256 {old.schema[:_SHOWN] or 'unknown'} when planned, {new.schema[:_SHOWN]} now"


def _other_files(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, ...]:
    found = tuple(_each(old, new, _file_sentence))
    return (*found[:_NAMED], f"and {len(found) - _NAMED} more files") if len(found) > _NAMED else found


def _file_sentence(name: str, old: str, new: str) -> str:
    if not old or not new:
        return f"file {name}: {'new since then' if new else 'gone since then'}"
    return f"file {name}: sha256 {old[:_SHOWN]} when planned, {new[:_SHOWN]} now"


def _each(old: Mapping[str, str], new: Mapping[str, str], sentence: Callable[[str, str, str], str]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield sentence(name, old.get(name, ""), new.get(name, ""))
