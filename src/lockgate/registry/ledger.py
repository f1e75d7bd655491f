"""The append-only ledger: what was tried, by whom, how long it took and how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from lockgate.errors import Failed
from lockgate.outcome import LedgerEntry
from lockgate.permit import Permit, Session
from lockgate.secret import redact

_COLUMNS = (
    "run, verb, environment, outcome, revision, from_heads, to_heads, duration_ms, operator, ci_job, lockgate, git_commit, error, details"
)
_LONGEST_ERROR = 2000  # characters


@dataclass(frozen=True)
class Event:
    """What one row says, besides who and when; see `LedgerEntry`."""

    outcome: str
    revision: str = ""
    from_heads: tuple[str, ...] = ()
    to_heads: tuple[str, ...] = ()
    duration_ms: int | None = None
    error: str = ""
    details: str = ""


def append(permit: Permit, prefix: str, event: Event, guard: str = "1 = 1") -> None:
    """
    Add a row in the open transaction, while `guard` holds and the marker is still the permit's.

    Args:
        guard: SQL condition; the dialect's `ledger_guard()` inside a revision's transaction.
    Raises:
        Failed: `lock-lost`: the lock or the marker is not what it was; the transaction must not be committed.
    """
    author = permit.author
    values: dict[str, object] = {
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
        "marker": permit.identity.marker_id,
    }
    names = [name.strip() for name in _COLUMNS.split(",")]
    # The empty text gives drivers that prepare statements the type that a select list does not tell; the number is ours.
    duration = "null" if event.duration_ms is None else str(int(event.duration_ms))
    columns = ", ".join(duration if name == "duration_ms" else f"coalesce(:{name}, '')" for name in names)
    written = permit.session.write(
        f"insert into {prefix}ledger ({_COLUMNS}) select {columns} from {prefix}marker"
        f" where marker_id = coalesce(:marker, '') and {guard}",
        values,
    )
    if written != 1:
        raise _lock_lost(permit)


def check_lock(permit: Permit, guard: str) -> None:
    """
    Look, before a revision begins, whether the permit's session still holds the lock; leaves no transaction open.

    Args:
        guard: the dialect's `ledger_guard()`.
    Raises:
        Failed: `lock-lost`.
    """
    held = permit.session.execute(f"select case when {guard} then 1 else 0 end")[0][0]
    permit.session.rollback()
    if not held:
        raise _lock_lost(permit)


def _lock_lost(permit: Permit) -> Failed:
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
