"""What a run tells while it goes on; whoever wants to hear it hands in a `Notify`."""

from __future__ import annotations

from collections.abc import Callable

from lockgate.records import dataclass
from lockgate.words import Step, StepDone


@dataclass(frozen=True)
class Started:
    """A step begins."""

    step: Step


@dataclass(frozen=True)
class Applied:
    """A step was committed."""

    done: StepDone


@dataclass(frozen=True)
class Waiting:
    """The lock is held by somebody else; said once when waiting begins and every few seconds after that."""

    holder: str
    waited_s: float
    limit_s: float


@dataclass(frozen=True)
class Retrying:
    """A revision could not get a table's lock in time, or was the victim of a deadlock, and is tried again."""

    step: Step
    attempt: int
    delay_s: float
    reason: str


@dataclass(frozen=True)
class LeftTransaction:
    """A revision leaves its transaction: what its statements do from here on stays, however the run ends."""

    step: Step


@dataclass(frozen=True)
class Blocked:
    """
    A revision waits for locks of other sessions; said after 2 s, and again when others are in the way. Told from a thread of its own.

    Args:
        by: one line for each session in the way: process id, user, application, since when, the beginning of its query.
        waited_s: seconds.
    """

    step: Step
    by: tuple[str, ...]
    waited_s: float


@dataclass(frozen=True)
class Tracing:
    """
    A revision begins on the scratch database of a plan.

    Args:
        direction: `upgrade` or `downgrade`.
        number: counted from 1 over both directions; total: how many there will be, 0 where nobody knows.
    """

    revision: str
    direction: str
    number: int
    total: int = 0


@dataclass(frozen=True)
class Notice:
    """A sentence that the user should read although nothing is wrong."""

    text: str


Event = Started | Applied | Waiting | Retrying | LeftTransaction | Blocked | Tracing | Notice
Notify = Callable[[Event], None]
