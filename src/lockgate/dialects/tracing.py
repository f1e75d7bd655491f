"""What tracing revisions on a scratch database needs of a database product that can be traced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from lockgate.hazards.effects import Size
from lockgate.hazards.picture import Picture
from lockgate.hazards.reading import Moment
from lockgate.permit import Permit, Session
from lockgate.secret import DatabaseUrl

Seen = frozenset[tuple[int, str, bool]]
Watching = Callable[[Any, str], AbstractContextManager[None]]  # of a cursor and its statement, around the sending


class Probe(Protocol):
    """Looks at one working connection from the inside: what is not committed is visible nowhere else."""

    def begin(self, counts_rows: bool) -> tuple[str, bool, str]:
        """
        Prepare for a statement.

        Args:
            counts_rows: the planner decides how it finds its rows: let it take an index wherever there is one.
        Returns:
            The session's number, whether no transaction is open, and the open transaction's name.
        """

    def moment(self, known: Picture | None = None) -> Moment:
        """
        Look; what the look itself locks is let go of.

        Args:
            known: the catalog, where it is known already: reading it takes longest.
        """

    def run(self, execute: Callable[[str], Any], sql: str) -> Any:
        """Run the statement, perhaps in other words that do the same and tell more."""

    def spared(self) -> AbstractContextManager[None]:
        """Undo a statement that fails within the block, and nothing else of its transaction; the error is raised all the same."""

    def end(self) -> str:
        """End a statement that succeeded; return what the database's own triggers noticed."""


class Tracing(Protocol):
    """One product's part."""

    def install(self, permit: Permit) -> None:
        """Let a scratch database notice rewrites and drops."""

    def probe(self, driver_connection: Any) -> Probe:
        """
        Look at a connection as its driver gives it.

        Args:
            driver_connection: DB-API, or SQLAlchemy's adapter of an async driver.
        """

    def pins(self, url: DatabaseUrl, session: str, picture: Picture) -> AbstractContextManager[Callable[[], Seen]]:
        """
        Watch from outside a statement that cannot run in a transaction, stopping it where it waits for others.

        Args:
            session: number of the session that runs it.
            picture: names the tables.
        Returns:
            Gives what was seen, to be asked after the statement.
        """

    def jail(self, url: DatabaseUrl) -> None:
        """Let every driver of this product that is installed connect to `url` and nowhere else, until the process ends."""

    def options_kept(self, given: dict[str, Any]) -> dict[str, Any]:
        """What of a driver's connection options says how a session begins, and not where it goes."""

    def drivers(self) -> Sequence[str]:
        """SQLAlchemy's names of the drivers that `jail` covers."""

    def check(self, sql: str) -> None:
        """Raise Unreachable `no-plan` for a statement that would make the scratch server itself reach another one."""

    def stand_for(self, database: str, scratch: str) -> None:
        """
        Let statements that name the target's database mean the scratch one, see `reworded`.

        Args:
            database: name of the target's; empty for whatever name a statement has.
            scratch: name of the one that they run in.
        """

    def reworded(self, sql: str) -> str:
        """Return a statement as it is run on the scratch."""

    def hear_notices(self, driver_connection: Any, hear: Callable[[str], None]) -> None:
        """Tell the server's notices and warnings on a connection."""

    def watch_cursors(self, driver_connection: Any, watching: Watching) -> None:
        """Let statements that a connection's own cursors are given be watched, those that SQLAlchemy gives them included."""

    def state(self, error: BaseException) -> str:
        """Return the SQLSTATE of a driver's error, or the one that stands for it; empty where there is none."""

    def picture(self, session: Session) -> Picture:
        """Read the whole catalog."""

    def sizes(self, session: Session, *, counts: bool = False) -> tuple[Size, ...]:
        """
        Read how large tables are, largest first.

        Args:
            counts: the database is a copy, where nobody waits while all of it is read.
        """

    def stubs(self, session: Session, available: frozenset[str]) -> Mapping[str, str]:
        """Return, for each extension of the database that is not among those `available` elsewhere, SQL that imitates it."""

    def copy_schema(
        self, programs: Path, source: DatabaseUrl, scratch: DatabaseUrl, patience: float, stubs: Mapping[str, str], *, with_rows: bool = True
    ) -> str:
        """
        Make the schema of `source` in an empty scratch database that has our marker, without the registry.

        Args:
            programs: folder of the database's client programs.
            stubs: imitations of extensions, by name.
            patience: seconds to wait for a table that somebody holds exclusively.
            with_rows: rows may come along, where copying them is all that the product can do cheaply.
        Returns:
            `Effects.source`; only a `COPY` has rows.
        Raises:
            Unreachable: `no-plan`, with the program's reason.
        """
