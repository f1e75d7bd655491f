"""What judging a plan says: findings, worst first, the times for which tables are blocked, and what was allowed; frozen, with a JSON form."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec


class Severity(str, enum.Enum):
    """How bad a finding is; the order of the members is that of a report."""

    ERROR = "error"  # data goes, a statement fails, or a table is blocked for longer than the environment bears
    WARNING = "warning"  # work of unknown or noticeable length; running code may break
    NOTE = "note"  # a short lock, or something to know

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


_SEVERITIES = frozenset(severity.value for severity in Severity)


class Judged(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all values here."""


class Limits(Judged, frozen=True):
    """
    How long a table of an environment may be blocked.

    Args:
        warning_s: seconds from which on a finding is a warning; below it is a note.
        error_s: seconds from which on it is an error.
        lock_timeout_s: how long `upgrade` lets one request for a lock queue, where nothing else is said; lock_wait_s: for how long it tries again.
    """

    warning_s: float = 1.0
    error_s: float = 60.0
    lock_timeout_s: float = 1.0
    lock_wait_s: float = 300.0


class Estimate(Judged, frozen=True):
    """
    Seconds on the target, as a range.

    Args:
        wait_s: of `high_s`, in the queue for a lock.
        basis: what it stands on, a sentence for each kind of work or waiting.
    """

    low_s: float = 0.0
    high_s: float = 0.0
    wait_s: float = 0.0
    basis: tuple[str, ...] = ()

    @property
    def duration_class(self) -> str:
        """`< 1 s`, `seconds`, `minutes` or `hours`: what remains honest across machines and cold caches."""
        return next((name for limit, name in ((1, "< 1 s"), (60, "seconds"), (3600, "minutes")) if self.high_s < limit), "hours")

    def __add__(self, other: Estimate) -> Estimate:
        """Return the time of both, one after the other; what takes no time is no basis."""
        counted = [basis for part in (self, other) if part.high_s for basis in part.basis]
        return Estimate(
            low_s=self.low_s + other.low_s,
            high_s=self.high_s + other.high_s,
            wait_s=self.wait_s + other.wait_s,
            basis=tuple(dict.fromkeys(counted)) or self.basis or other.basis,
        )


class Finding(Judged, frozen=True):
    """
    One hazard at one place.

    Args:
        id: `LG204`; its page is `docs/hazards/LG204.md`.
        name: what it is called: `scan-under-lock`.
        title: one line, the same for all findings of a hazard.
        line: of the call in the revision's file; 0 where the finding is about the revision as a whole.
        statement: redacted text; empty for a revision as a whole.
        relation: qualified name of the table concerned; empty where there is none.
        lock: as the manual writes it: `ACCESS EXCLUSIVE`.
        blocks: of `reads`, `writes`, `maintenance` (VACUUM, ANALYZE, other DDL): what waits.
        bytes: of the table with its indexes; rows: of the table. -1 where unknown.
        estimate: of the time blocked or worked; None where it cannot be told.
        what: what happens, in words.
        safer: another way, as Python for a revision with the user's own names; empty where there is none to show.
        fails: the statement, or the revision, failed on the scratch or will fail on the target's rows as they are now.
    """

    id: str
    name: str
    severity: Severity
    title: str
    revision: str
    file: str
    line: int = 0
    statement: str = ""
    relation: str = ""
    lock: str = ""
    blocks: tuple[str, ...] = ()
    bytes: int = -1
    rows: int = -1
    estimate: Estimate | None = None
    what: str = ""
    safer: str = ""
    fails: bool = False


class Allowed(Judged, frozen=True):
    """A finding that a comment in the revision allows, with the reason given there."""

    finding: Finding
    reason: str = ""


class Blocked(Judged, frozen=True):
    """
    The time for which a transaction keeps others off a table: from its request for the lock to COMMIT.

    Args:
        lock: the strongest of that time.
        line: of the statement that took the first lock.
        begins_s: seconds after the plan's first statement; ends_s: as many at COMMIT, by the high estimate. None where a size is unknown.
        low_s: seconds blocked by the low estimate.
        wait_s: seconds in the queue for the lock, at most: those behind it wait already.
        first: number of the first statement under the lock, counted from 1 through the plan; last: the transaction's last one.
    """

    relation: str
    lock: str
    blocks: tuple[str, ...]
    revision: str
    line: int
    first: int
    last: int
    begins_s: float | None = None
    ends_s: float | None = None
    low_s: float | None = None
    wait_s: float = 0.0


class NotSeen(Judged, frozen=True):
    """
    A statement that only rows can make fail, of which the copy that ran it has none.

    Args:
        statement: redacted text.
        why: what rows may do to it, in a few words.
    """

    revision: str
    file: str
    line: int
    statement: str
    why: str


class Findings(Judged, frozen=True):
    """
    The judgement of a plan.

    Args:
        environment: empty where the plan has no target.
        basis: one line about where the schema, the server and the sizes come from.
        revisions: that were judged, in order.
        findings: worst first.
        timeline: in the order of the plan.
        not_run: `file:line` of lines that the scratch did not run and the plan therefore knows nothing about.
        not_seen: statements whose success hangs on rows that the scratch does not have, and that no question to the target has answered.
    """

    environment: str = ""
    basis: str = ""
    revisions: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    allowed: tuple[Allowed, ...] = ()
    timeline: tuple[Blocked, ...] = ()
    not_run: tuple[str, ...] = ()
    not_seen: tuple[NotSeen, ...] = ()

    def count(self, severity: Severity) -> int:
        """Return how many findings have this severity."""
        return sum(found.severity is severity for found in self.findings)

    @property
    def worst(self) -> Severity | None:
        """Return the worst severity; None where nothing was found."""
        return self.findings[0].severity if self.findings else None

    def failing(self, on: Sequence[str]) -> tuple[Finding, ...]:
        """
        Return the findings for which a plan is not good enough, worst first.

        Args:
            on: any of `error`, `warning` (errors too), `note` (all findings), and the ids or names of hazards.
        """
        least = max((Severity(word).rank for word in on if word in _SEVERITIES), default=-1)
        return tuple(found for found in self.findings if found.severity.rank <= least or found.id in on or found.name in on)

    def fails(self, on: str) -> bool:
        """Whether a plan is not good enough; `on` as of `failing`."""
        return bool(self.failing((on,)))
