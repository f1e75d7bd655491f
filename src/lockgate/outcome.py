"""How calls end, as values that runs return and reports read: frozen, picklable, without a secret."""

from __future__ import annotations

from dataclasses import dataclass

from lockgate.words import Protection, StepDone, Verb


@dataclass(frozen=True)
class LedgerEntry:
    """
    One row of the ledger.

    Args:
        outcome: `applied`, `started`, `failed`, `refused`, `stamped`, `adopted`, `bootstrapped`, `reset`, `seeded`, `smoke`.
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
        seeds: those that belong into the environment, as far as files and ledger tell; the tables are not compared.
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
    last: LedgerEntry | None = None
    seeds: tuple[SeedState, ...] = ()
    error: str = ""
    error_code: str = ""
