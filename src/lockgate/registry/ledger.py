"""The append-only ledger: what was tried, by whom, how long it took and how it ended."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.errors import Failed
from lockgate.outcome import LedgerEntry
from lockgate.permit import Permit, Session
from lockgate.records import dataclass
from lockgate.registry import chain
from lockgate.registry.marker import damaged
from lockgate.secret import redact
from lockgate.words import VersionChange

# What version 1 of the registry had, too.
_COLUMNS = (
    "run, verb, environment, outcome, revision, from_heads, to_heads, duration_ms, operator, ci_job, lockgate, git_commit, error, details"
)
_LONGEST_ERROR = 2000  # characters
_ALL = 1_000_000  # rows


@dataclass(frozen=True)
class Event:
    """
    What one row says, besides who and when; see `LedgerEntry`.

    Args:
        source: fingerprint of the revision's file; see `lockgate.graph.fingerprint`.
    """

    outcome: str
    revision: str = ""
    from_heads: tuple[str, ...] = ()
    to_heads: tuple[str, ...] = ()
    duration_ms: int | None = None
    error: str = ""
    details: str = ""
    source: str = ""


@dataclass(frozen=True)
class Upgraded:
    """A revision that was applied, how long that took, and the fingerprint of its file then; see `LedgerEntry` and `Event`."""

    revision: str
    at: str
    duration_ms: int
    details: str
    source: str


def append(
    permit: Permit, prefix: str, event: Event, guard: str = "true", transaction: str = "", change: VersionChange | None = None
) -> None:
    """
    Add a row in the open transaction, sealed where the registry has a chain, while `guard` holds and the marker is still the permit's.

    Args:
        guard: SQL condition; the dialect's `ledger_guard()` inside a revision's transaction.
        transaction: what the guard was made for.
        change: of the version table, made by the same statement.
    Raises:
        Failed: `lock-lost`: the lock or the marker is not what it was; `not-at-target`: the version row is not. The transaction must
            not be committed.
    """
    values = _values(permit, event)
    values |= {"marker": permit.identity.marker_id, **({"transaction": int(transaction)} if transaction else {})}
    condition = f"m.marker_id {permit.spelling.equal} coalesce(:marker, '') and {guard}"
    if permit.sight.registry_version in range(1, chain.SINCE):  # about a refusal: who may change more has renewed the registry
        if not chain.write_unsealed(permit.session, prefix, permit.spelling, values, condition):
            raise lock_lost(permit)
        return
    if not chain.write_sealed(permit.session, prefix, permit.spelling, values, condition, change):
        changed = chain.versions(permit.session, permit.spelling, change.table, change.new) if change else 1
        if change and changed != 1:
            raise _version_lost(permit, change, changed)
        if not chain.has_head(permit.session, prefix):
            raise damaged("head_of_ledger")
        raise lock_lost(permit)


def append_alike(permit: Permit, prefix: str, event: Event, others: Sequence[tuple[str, str]], guard: str = "true") -> None:
    """
    Add `event`, and rows like it, each with another revision and source; in the open transaction, with one time for all.

    Raises:
        Failed: as `append`.
    """
    append(permit, prefix, event, guard)
    chain.write_alike(permit.session, prefix, permit.spelling, _values(permit, event), others)


def _values(permit: Permit, event: Event) -> dict[str, object]:
    author = permit.author
    return {
        "run": author.run,
        "verb": permit.verb,
        "environment": permit.environment,
        "outcome": event.outcome,
        "revision": event.revision,
        "from_heads": " ".join(event.from_heads),
        "to_heads": " ".join(event.to_heads),
        "operator": author.operator,
        "ci_job": author.ci_job,
        "lockgate": author.version,
        "git_commit": author.git_commit,
        "error": redact(event.error)[:_LONGEST_ERROR],
        "details": redact(event.details),
        "source": event.source,
        "duration_ms": event.duration_ms,
    }


def _version_lost(permit: Permit, change: VersionChange, found: int) -> Failed:
    has = "no longer has its row" if not found else f"has {found} rows"
    return Failed(
        "not-at-target",
        f"the version table {change.table} {has} `{change.old}`, of which one was to become `{change.new}`",
        permit.sight.place,
        "somebody else writes into it, or the revision does; look at it, then run the command again",
    )


def lock_lost(permit: Permit) -> Failed:
    """Return the error that the lock or the marker is not what it was when the permit was given."""
    return Failed(
        "lock-lost",
        "the connection no longer holds lockgate's lock, or the database's marker changed under it",
        permit.sight.place,
        "look at `lockgate history` for who else was here, then run the command again",
    )


def read(session: Session, prefix: str, moment_text: str, limit: int) -> tuple[LedgerEntry, ...]:
    """
    Return the newest rows, newest first.

    Args:
        limit: rows, > 0.
    """
    rows = session.execute(f"select id, {moment_text.format('at')}, {_COLUMNS} from {prefix}ledger order by id desc limit {int(limit)}")
    return tuple(_entry(row) for row in rows)


def fingerprints(session: Session, prefix: str) -> dict[str, str]:
    """
    Return the fingerprint of every revision's file as it was when it was last applied, loaded, or acknowledged; of those undone since, none.

    For a registry of version 2 and later.
    """
    found: dict[str, str] = {}
    # Nothing is compared in SQL: this runs under the project's search_path, too.
    for revision, outcome, source in session.execute(f"select revision, outcome, source from {prefix}ledger order by id"):
        if outcome == "reset":
            found.clear()
        elif outcome not in ("applied", "loaded", "acknowledged"):
            continue
        elif source:
            found[str(revision)] = str(source)
        else:  # a downgrade, or another lockgate, which kept none
            found.pop(str(revision), None)
    return found


def upgrades(session: Session, prefix: str, moment_text: str, limit: int) -> tuple[Upgraded, ...]:
    """
    Return what the newest rows say of applied revisions, newest first; for a registry of version 2 and later.

    Args:
        limit: rows that are read, > 0.
    """
    columns = f"revision, {moment_text.format('at')}, duration_ms, details, source, outcome"
    rows = session.execute(f"select {columns} from {prefix}ledger order by id desc limit {int(limit)}")
    return tuple(
        Upgraded(str(revision), str(at), int(str(took)), str(details), str(source))
        for revision, at, took, details, source, outcome in rows
        if outcome == "applied" and source and took is not None  # a downgrade leaves no fingerprint
    )


def origin(session: Session, prefix: str, moment_text: str, revision: str) -> LedgerEntry | None:
    """Return the newest row in which a revision was applied or stamped."""
    entries = (entry for entry in read(session, prefix, moment_text, _ALL) if entry.verb != "downgrade")
    return next((entry for entry in entries if entry.revision == revision and entry.outcome in ("applied", "loaded", "stamped")), None)


def _entry(row: tuple[object, ...]) -> LedgerEntry:
    number, at, run, verb, environment, outcome, revision, before, after, duration, *rest = row
    return LedgerEntry(
        int(str(number)),
        str(run),
        str(at),
        str(verb),
        str(environment),
        str(outcome),
        str(revision),
        tuple(str(before).split()),
        tuple(str(after).split()),
        None if duration is None else int(str(duration)),
        *(str(value) for value in rest),
    )
