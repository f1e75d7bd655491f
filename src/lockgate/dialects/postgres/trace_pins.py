"""
Watching CREATE INDEX CONCURRENTLY and its like from outside.

Such a statement commits several times and holds its locks only for moments. It waits for every transaction that could still write to
its table: so a session of ours holds a weak lock on every table, and the statement stands still at each wait, where its locks can
be read. The next pin is taken before the one that it waits for is let go, so it stops at the next wait as well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, cast

from lockgate.dialects.postgres import trace_sql
from lockgate.dialects.postgres.empty import quoted
from lockgate.dialects.postgres.session import connect
from lockgate.hazards.picture import Picture
from lockgate.hazards.reading import read_locks
from lockgate.secret import DatabaseUrl

if TYPE_CHECKING:
    import psycopg

    from lockgate.dialects.tracing import Seen

_TIMEOUT_S = 10.0
_PAUSE_S = 0.002


class _Pin:
    """A session that holds ROW EXCLUSIVE on all tables, or on none."""

    def __init__(self, connection: psycopg.Connection[Any], tables: str) -> None:
        self._connection = connection
        self._tables = tables
        self.pid = connection.info.backend_pid

    def take(self) -> None:
        """Lock what can be locked at once; nothing where the statement itself is in the queue for more."""
        from psycopg import errors

        try:
            if self._tables:
                self._connection.execute(cast("Any", f"lock table {self._tables} in row exclusive mode nowait"))
        except errors.LockNotAvailable:
            self.let_go()

    def let_go(self) -> None:
        self._connection.rollback()


class _Watch:
    """Reads the locks of one session until it is told to stop."""

    def __init__(self, connection: psycopg.Connection[Any], session: str, pins: tuple[_Pin, _Pin]) -> None:
        self._connection = connection
        self._session = int(session)
        self._held, self._free = pins
        self._ended = threading.Event()
        self._seen: set[tuple[int, str, bool]] = set()
        self._thread = threading.Thread(target=self._watch, name="lockgate-trace", daemon=True)
        self._held.take()
        self._thread.start()

    def seen(self) -> Seen:
        """Stop, and return all locks that were seen."""
        self.stop()
        return frozenset(self._seen)

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        self._held.let_go()

    def _watch(self) -> None:
        try:
            while not self._ended.is_set():
                self._look()
        except Exception:
            # Nobody would let go of the pins any more, and the statement would wait for ever.
            self._held.let_go()
            self._free.let_go()
            raise

    def _look(self) -> None:
        blocked = self._held.pid in self._ask(f"select pg_catalog.pg_blocking_pids({self._session})")
        self._seen |= read_locks(self._ask(trace_sql.locks(str(self._session))))
        if blocked:
            self._free.take()
            self._held.let_go()
            self._held, self._free = self._free, self._held
        else:
            self._ended.wait(_PAUSE_S)

    def _ask(self, sql: str) -> Any:
        row = self._connection.execute(cast("Any", sql)).fetchone()
        return row[0] if row else ""


@contextmanager
def pins(url: DatabaseUrl, session: str, picture: Picture) -> Iterator[Callable[[], Seen]]:
    """See `Tracing.pins`."""
    tables = [item for item in picture.objects.values() if item.facts.get("kind") == "table"]
    names = ", ".join(f"only {quoted(item.schema)}.{quoted(item.name)}" for item in tables)
    with ExitStack() as stack:
        watching, first, second = (stack.enter_context(connect(url, _TIMEOUT_S)) for _ in range(3))
        watching.autocommit = True
        watch = _Watch(watching, session, (_Pin(first, names), _Pin(second, names)))
        stack.callback(watch.stop)
        yield watch.seen
