"""The tracer's looks at a working PostgreSQL connection, through whatever driver it came."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lockgate.dialects.driver import DriverSession
from lockgate.dialects.postgres import trace_sql
from lockgate.hazards.picture import Picture
from lockgate.hazards.reading import Moment, read_live, read_locks

_SAVEPOINT = "lockgate_trace"
_SPARED = "lockgate_spared"
_SEQSCAN = "enable_seqscan"


class PostgresProbe:
    """See `Probe`."""

    def __init__(self, driver_connection: Any) -> None:
        self._session = DriverSession(driver_connection)
        self._bare = False
        self._seqscan = ""

    def begin(self, counts_rows: bool) -> tuple[str, bool, str]:
        _, pid, alone, transaction = self._session.execute(trace_sql.BEFORE)[0]
        self._bare, self._seqscan = alone == "true", ""
        if counts_rows and not self._bare:
            # On an empty table the planner prefers to read all of it; what it still reads so has no index that helps.
            self._seqscan = str(self._session.execute(f"select pg_catalog.current_setting('{_SEQSCAN}')")[0][0])
            self._session.execute(f"select pg_catalog.set_config('{_SEQSCAN}', 'off', true)")
        return str(pid), self._bare, str(transaction)

    def moment(self, known: Picture | None = None) -> Moment:
        locks = read_locks(str(self._session.execute(trace_sql.locks())[0][0]))
        live = read_live(str(self._session.execute(trace_sql.LIVE)[0][0]))
        return Moment(known or self._picture(), locks, live)

    def run(self, execute: Callable[[str], Any], sql: str) -> Any:
        return execute(sql)

    @contextmanager
    def spared(self) -> Iterator[None]:
        if self._bare:
            yield
            return
        self._session.execute(f"savepoint {_SPARED}")
        try:
            yield
        except BaseException:
            self._session.execute(f"rollback to savepoint {_SPARED}")
            raise
        finally:
            self._session.execute(f"release savepoint {_SPARED}")

    def end(self) -> str:
        if self._seqscan:
            self._session.execute(f"select pg_catalog.set_config('{_SEQSCAN}', '{self._seqscan}', true)")
        return str(self._session.execute(trace_sql.READ_LOG)[0][0] or "")

    def _picture(self) -> Picture:
        # Printing a definition locks what it is about; rolling back lets go of that, and of the path.
        self._session.execute("begin" if self._bare else f"savepoint {_SAVEPOINT}")
        try:
            self._session.execute(trace_sql.PATH)
            return Picture.read(str(self._session.execute(trace_sql.PICTURE)[0][0]))
        finally:
            for statement in ("rollback",) if self._bare else (f"rollback to savepoint {_SAVEPOINT}", f"release savepoint {_SAVEPOINT}"):
                self._session.execute(statement)
