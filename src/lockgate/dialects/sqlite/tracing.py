"""SQLite's part of tracing: the whole file is copied, and the copy is asked between statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from lockgate.dialects.sqlite import trace_copy, trace_jail
from lockgate.dialects.sqlite.trace_probe import FileStory, SqliteProbe
from lockgate.dialects.tracing import Seen, Watching
from lockgate.hazards.effects import Size
from lockgate.hazards.picture import Picture
from lockgate.permit import Permit, Session
from lockgate.secret import DatabaseUrl

# SQLSTATEs that stand for SQLite's own codes; sqlite.org/rescode.html.
_STATES = {
    "SQLITE_CONSTRAINT_NOTNULL": "23502",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "23503",
    "SQLITE_CONSTRAINT_TRIGGER": "23000",
    "SQLITE_CONSTRAINT_UNIQUE": "23505",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "23505",
    "SQLITE_CONSTRAINT_ROWID": "23505",
    "SQLITE_CONSTRAINT_CHECK": "23514",
    "SQLITE_CONSTRAINT_DATATYPE": "22000",
    "SQLITE_MISMATCH": "22000",
}


class SqliteTracing:
    """See `Tracing`; one object per process, which remembers what the file does not number."""

    def __init__(self) -> None:
        self._story = FileStory()

    def install(self, permit: Permit) -> None:
        """A file has nothing that could notice."""

    def probe(self, driver_connection: Any) -> SqliteProbe:
        return SqliteProbe(driver_connection, self._story)

    def pins(self, url: DatabaseUrl, session: str, picture: Picture) -> AbstractContextManager[Callable[[], Seen]]:
        return nullcontext(frozenset)  # no statement waits for others while it works

    def jail(self, url: DatabaseUrl) -> None:
        trace_jail.jail(url)
        self._story.listen()

    def options_kept(self, given: dict[str, Any]) -> dict[str, Any]:
        return trace_jail.kept(given)

    def drivers(self) -> Sequence[str]:
        return trace_jail.DRIVERS

    def check(self, sql: str) -> None:
        """The jail looks at every statement."""

    def stand_for(self, database: str, scratch: str) -> None:
        """No statement of this product that can be planned names the database that it runs in."""

    def reworded(self, sql: str) -> str:
        return sql

    def hear_notices(self, driver_connection: Any, hear: Callable[[str], None]) -> None:
        """SQLite gives none."""

    def watch_cursors(self, driver_connection: Any, watching: Watching) -> None:
        """What goes past SQLAlchemy is not told."""

    def state(self, error: BaseException) -> str:
        if not isinstance(error, sqlite3.Error):
            return ""
        # A view or trigger that names what is gone is a plain SQLITE_ERROR: only the sentence tells.
        depends = str(error).startswith(("error in view ", "error in trigger "))
        return "2BP01" if depends else _STATES.get(getattr(error, "sqlite_errorname", ""), "")

    def picture(self, session: Session) -> Picture:
        return self._story.catalog.read(session)

    def sizes(self, session: Session, *, counts: bool = False) -> tuple[Size, ...]:
        return trace_copy.sizes(session, counts=counts)

    def stubs(self, session: Session, available: frozenset[str]) -> Mapping[str, str]:
        return {}

    def copy_schema(
        self, programs: Path, source: DatabaseUrl, scratch: DatabaseUrl, patience: float, stubs: Mapping[str, str]
    ) -> str:
        return trace_copy.copy(source, scratch, patience)
