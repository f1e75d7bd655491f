"""How calls end, as values that runs return and reports read: frozen, picklable, without a secret."""

from __future__ import annotations

from lockgate.records import dataclass
from lockgate.words import Protection, StepDone, Verb


@dataclass(frozen=True)
class LedgerEntry:
    """
    One row of the ledger.

    Args:
        outcome: `applied`, `started`, `failed`, `interrupted`, `refused`, `stamped`, `acknowledged`, `adopted`, `bootstrapped`, `reset`, `seeded`, `smoke`.
        at: the database's clock, ISO 8601 in UTC.
        duration_ms: None where nothing was timed.
        details: JSON text; empty where there is none.
    """

    id: int
    run: str
    at: str
    verb: str
    environment: str
    outcome: str
    revision: str = ""
    from_heads: tuple[str, ...] = ()
    to_heads: tuple[str, ...] = ()
    duration_ms: int | None = None
    operator: str = ""
    ci_job: str = ""
    lockgate: str = ""
    git_commit: str = ""
    error: str = ""
    details: str = ""


@dataclass(frozen=True)
class Verified:
    """
    What `history --verify` found.

    Args:
        rows: of the ledger; 0 where it is not sealed: there is none, or an older lockgate wrote it.
        seal: number and hash of the newest row; kept elsewhere it proves later that nothing before it was changed.
        broken: number of the first row that is not as it was written; 0 for none.
        reason: what is wrong with that row.
    """

    environment: str
    place: str
    rows: int = 0
    seal: str = ""
    broken: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Origin:
    """
    The run that brought a revision into a database, as its ledger tells it.

    Args:
        entry: the newest row in which the revision was applied or stamped.
    """

    entry: LedgerEntry

    @property
    def text(self) -> str:
        """For people: verb, lockgate's version, time, operator, commit."""
        entry = self.entry
        commit = f"git commit {entry.git_commit}" if entry.git_commit else "a folder without git"
        job = f", {entry.ci_job}" if entry.ci_job else ""
        return (
            f"`{entry.revision}` was {entry.outcome} by `{entry.verb}` of lockgate {entry.lockgate} at {entry.at}"
            f" by {entry.operator or 'unknown'} from {commit}{job} (run {entry.run})"
        )


@dataclass(frozen=True)
class Answer:
    """One question of the smoke check, what was expected and what was found."""

    question: str
    expected: str
    found: str
    good: bool


@dataclass(frozen=True)
class Fault:
    """
    What one of the ready-made tests found.

    Args:
        what: one sentence, names in backticks.
        where: file and line below the project's folder.
        details: the differences, with the statement that each is about.
        hint: what to do next.
        code: of the error behind it; empty where nothing was raised.
    """

    what: str
    where: str = ""
    details: tuple[str, ...] = ()
    hint: str = ""
    code: str = ""


@dataclass(frozen=True)
class Outcome:
    """
    How one call of an acting verb, or of `smoke`, ended.

    Args:
        changed: what was committed, in the user's words; empty means nothing.
        waited_s: seconds spent waiting for the lock.
        code: empty for success, otherwise the error code whose family gives the exit status.
    """

    verb: Verb
    environment: str
    place: str
    from_heads: tuple[str, ...] = ()
    to_heads: tuple[str, ...] = ()
    steps: tuple[StepDone, ...] = ()
    smoke: tuple[Answer, ...] = ()
    changed: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    waited_s: float = 0.0
    code: str = ""


@dataclass(frozen=True)
class SeedState:
    """
    One seed in `status`.

    Args:
        state: `current`, `changed` (a file or the seed's settings are other than at the last load) or `never applied`; `no file` where there is none.
        at: when it was last applied, ISO 8601 in UTC; empty where it never was.
    """

    name: str
    state: str
    at: str = ""


@dataclass(frozen=True)
class EnvironmentRow:
    """
    One environment in `env` and `status`.

    Args:
        source: where its URL comes from, for people.
        says: the environment that the database itself names; empty for an unmarked one.
        pending: number of revisions not applied; None where it cannot be known.
        half_applied: the revision that a broken run left unfinished, for people; empty where there is none.
        seeds: those that belong into the environment, as far as files and ledger tell; the tables are not compared.
        edited: files of revisions that do something else now than when they were applied here.
        error: why nothing could be seen; the other fields that need the database are then empty.
    """

    name: str
    protection: Protection
    source: str
    default: bool = False
    place: str = ""
    server: str = ""
    says: str = ""
    project: str = ""
    copied: bool = False
    empty: bool = False
    tables: int = 0
    heads: tuple[str, ...] = ()
    pending: int | None = None
    unknown: tuple[str, ...] = ()
    half_applied: str = ""
    last: LedgerEntry | None = None
    seeds: tuple[SeedState, ...] = ()
    edited: tuple[str, ...] = ()
    error: str = ""
    error_code: str = ""
