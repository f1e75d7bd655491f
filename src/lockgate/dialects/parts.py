"""What passes between a dialect and the rest of the house, besides the Dialect itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from lockgate.records import dataclass

if TYPE_CHECKING:
    from lockgate.journal.apart import Build



@dataclass(frozen=True)
class Patience:
    """
    How long to wait for another writer where a transaction cannot begin.

    Args:
        seconds: in all.
        say: hears now and then for what the run waits.
    """

    seconds: float
    say: Callable[[str], None]


class Lock(Protocol):
    """lockgate's lock on one database, held by the working session."""

    def take(self) -> bool:
        """Try once, without waiting; whether it is held now."""

    def holder(self) -> str:
        """Who holds it, for people: application name, user, host, since when; empty where nobody is seen."""

    def release(self) -> None:
        """Let go; quiet where the connection is gone, and the lock with it."""


@dataclass(frozen=True)
class Standing:
    """
    An index that is in the catalog.

    Args:
        id: the server's number, never used twice.
        name: qualified and quoted.
        valid: False for what a broken CONCURRENTLY left, and for one that is being built.
    """

    id: str
    name: str
    valid: bool


class Builds(Protocol):
    """Indexes that are built outside a transaction; on a session in autocommit."""

    def on_table(self, build: Build) -> tuple[str, ...]:
        """The ids of all indexes of the table."""

    def under_way(self, build: Build) -> str:
        """Which other session builds it now, for people; empty where none does."""

    def standing(self, build: Build) -> Sequence[Standing]:
        """Indexes of its name on its table, as unique as it; where it has no name, all of the table."""

    def same(self, standing: Standing, build: Build) -> bool | None:
        """Whether an index is defined as the statement says; None where that cannot be found out."""

    def drop(self, standing: Standing) -> None:
        """Drop an index without blocking anybody."""


@dataclass(frozen=True)
class ErrorFacts:
    """
    A driver's error in words that do not depend on the driver.

    Args:
        kind: `lock-timeout`, `deadlock`, `stale-snapshot`, `missing-table`, `permission`, `read-only`, `authentication`, `no-database`,
            `tls`, `unreachable`, `disk-full`, `value` (one does not fit, or cannot be computed) or empty for anything else.
        message: the server's sentence.
        name: the object that it is about, where it says so.
    """

    kind: str
    message: str
    name: str = ""
