"""What is the same for products whose databases notice nothing by themselves: the tracing process hears every statement instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from lockgate.dialects.tracing import Seen, Watching
from lockgate.hazards.picture import Picture
from lockgate.permit import Permit, Session
from lockgate.secret import DatabaseUrl


class QuietTracing:
    """See `Tracing`."""

    def install(self, permit: Permit) -> None:
        """There is nothing that could notice."""

    def pins(self, url: DatabaseUrl, session: str, picture: Picture) -> AbstractContextManager[Callable[[], Seen]]:
        return nullcontext(frozenset)  # no statement is watched from outside while it waits

    def check(self, sql: str) -> None:
        """The jail looks at every statement."""

    def stand_for(self, database: str, scratch: str) -> None:
        """No statement of these products that can be planned names the database that it runs in."""

    def reworded(self, sql: str) -> str:
        return sql

    def stubs(self, session: Session, available: frozenset[str]) -> Mapping[str, str]:
        return {}

    def watch_cursors(self, driver_connection: Any, watching: Watching) -> None:
        """What goes past SQLAlchemy is not told."""
