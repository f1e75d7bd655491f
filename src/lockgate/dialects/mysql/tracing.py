"""MariaDB's and MySQL's part of tracing: a copy of the schema on the same server, and ALTERs that are asked how they would be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from lockgate.dialects.mysql import trace_copy, trace_jail
from lockgate.dialects.mysql.session import number_of
from lockgate.dialects.mysql.trace_probe import DatabaseStory, MysqlProbe
from lockgate.dialects.tracing import Seen, Watching
from lockgate.hazards.effects import Size
from lockgate.hazards.picture import Picture
from lockgate.permit import Permit, Session
from lockgate.secret import DatabaseUrl

# SQLSTATEs that say more than the server's own, which is 23000 for most of them; MariaDB Knowledge Base, Error Codes.
_STATES = {
    **dict.fromkeys((1048, 1138, 1364), "23502"),
    **dict.fromkeys((1451, 1452), "23503"),
    **dict.fromkeys((1062, 1586), "23505"),
    **dict.fromkeys((3819, 4025), "23514"),
    **dict.fromkeys((1264, 1265, 1292, 1366, 1406), "22000"),
}


class MysqlTracing:
    """See `Tracing`; one object per process, which remembers what the server does not number."""

    def __init__(self) -> None:
        self._story = DatabaseStory()

    def install(self, permit: Permit) -> None:
        """The server has nothing that could notice."""

    def probe(self, driver_connection: Any) -> MysqlProbe:
        return MysqlProbe(driver_connection, self._story)

    def pins(self, url: DatabaseUrl, session: str, picture: Picture) -> AbstractContextManager[Callable[[], Seen]]:
        return nullcontext(frozenset)  # an ALTER is asked, not watched

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
        """The server's warnings have to be asked for, and are lost with the next statement; what is told is how an ALTER was done."""
        self._story.say = hear

    def watch_cursors(self, driver_connection: Any, watching: Watching) -> None:
        """What goes past SQLAlchemy is not told."""

    def state(self, error: BaseException) -> str:
        return _STATES.get(number_of(error), "")

    def picture(self, session: Session) -> Picture:
        self._story.catalog.forget()
        return self._story.catalog.read(session)

    def sizes(self, session: Session, *, counts: bool = False) -> tuple[Size, ...]:
        return trace_copy.sizes(session)

    def stubs(self, session: Session, available: frozenset[str]) -> Mapping[str, str]:
        return {}

    def copy_schema(
        self, programs: Path, source: DatabaseUrl, scratch: DatabaseUrl, patience: float, stubs: Mapping[str, str]
    ) -> str:
        return trace_copy.copy(source, scratch, patience)
