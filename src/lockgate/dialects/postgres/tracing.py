"""PostgreSQL's part of tracing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec

from lockgate.dialects.postgres import trace_copy, trace_cursors, trace_jail, trace_pins, trace_sql, trace_stubs
from lockgate.dialects.postgres.own_names import own_names
from lockgate.dialects.postgres.trace_probe import PostgresProbe
from lockgate.dialects.tracing import Seen, Watching
from lockgate.errors import Unreachable
from lockgate.hazards.effects import DUMP, Size
from lockgate.hazards.picture import Picture
from lockgate.permit import Permit, Session
from lockgate.secret import DatabaseUrl, redact

# The jail shuts in drivers of this process; these are run by the server.
_REACHES_OUT = re.compile(
    r"\bdblink\w*\s*\(|\b(?:create|alter)\s+subscription\b|\bcreate\s+extension\b[^;]*\b(?:postgres_fdw|dblink)\b"
    r"|\bcreate\s+user\s+mapping\b",
    re.I,
)


# A database is named here, and in no other statement that a transaction takes; not inside of a text.
_NAMES_DATABASE = re.compile(
    r"""(?P<before>^\s*(?:alter\s+database\s+|comment\s+on\s+database\s+|security\s+label\b[^']*?\bon\s+database\s+
        |alter\s+(?:role|user)\b[^']*?\bin\s+database\s+|(?:grant|revoke)\b[^']*?\bon\s+database\s+))
        (?P<name>"(?:[^"]|"")+"|[a-z_][\w$]*)""",
    re.I | re.X,
)


class PostgresTracing:
    """See `Tracing`; one object per process that traces."""

    def __init__(self) -> None:
        self._database, self._scratch = "", ""

    def install(self, permit: Permit) -> None:
        for statement in trace_sql.INSTALL:
            permit.session.execute(statement)
        permit.session.commit()

    def probe(self, driver_connection: Any) -> PostgresProbe:
        return PostgresProbe(driver_connection)

    def pins(self, url: DatabaseUrl, session: str, picture: Picture) -> AbstractContextManager[Callable[[], Seen]]:
        return trace_pins.pins(url, session, picture)

    def jail(self, url: DatabaseUrl) -> None:
        trace_jail.jail(url)

    def options_kept(self, given: dict[str, Any]) -> dict[str, Any]:
        return trace_jail.kept(given)

    def drivers(self) -> Sequence[str]:
        return trace_jail.DRIVERS

    def check(self, sql: str) -> None:
        found = _REACHES_OUT.search(sql)
        if found:
            what = f"`{' '.join(found[0].split())}` would make the scratch server connect to another one"
            raise Unreachable("no-plan", what, "a revision", "plan without this revision; read its SQL instead: alembic upgrade head --sql")

    def stand_for(self, database: str, scratch: str) -> None:
        self._database, self._scratch = database, scratch

    def reworded(self, sql: str) -> str:
        found = _NAMES_DATABASE.match(sql) if self._scratch else None
        if not found:
            return sql
        name = found["name"]
        named = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
        return f'{found["before"]}"{self._scratch}"{sql[found.end() :]}' if self._database in ("", named) else sql

    def hear_notices(self, driver_connection: Any, hear: Callable[[str], None]) -> None:
        """Each driver has its own way; psycopg2 keeps a list of texts that may be any object with `append`."""
        candidates: tuple[Any, ...] = (driver_connection, getattr(driver_connection, "driver_connection", None))
        for connection in candidates:
            if hasattr(connection, "add_notice_handler"):
                connection.add_notice_handler(lambda notice: hear(redact(f"{notice.severity}: {notice.message_primary}")))
                return
            if hasattr(connection, "add_log_listener"):
                connection.add_log_listener(lambda _, message: hear(redact(f"{message.severity}: {message.message}")))
                return
            if hasattr(connection, "notices"):
                connection.notices = _Notices(hear)
                return

    def watch_cursors(self, driver_connection: Any, watching: Watching) -> None:
        trace_cursors.watch(driver_connection, watching)

    def state(self, error: BaseException) -> str:
        return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""

    def picture(self, session: Session) -> Picture:
        session.execute(trace_sql.PATH)
        return Picture.read(str(session.execute(trace_sql.PICTURE)[0][0]))

    def sizes(self, session: Session, *, counts: bool = False) -> tuple[Size, ...]:
        with own_names(session):
            rows = session.execute(trace_sql.SIZES)
        named = [{"path": path, **dict(zip(_NUMBERS, numbers, strict=True))} for path, *numbers in rows]
        return tuple(msgspec.convert(named, list[Size]))

    def stubs(self, session: Session, available: frozenset[str]) -> Mapping[str, str]:
        with own_names(session):
            return trace_stubs.stubs(session, available)

    def copy_schema(
        self, programs: Path, source: DatabaseUrl, scratch: DatabaseUrl, patience: float, stubs: Mapping[str, str], *, with_rows: bool = True
    ) -> str:
        trace_copy.copy_schema(programs, source, scratch, patience, stubs)
        return DUMP


_NUMBERS = ("rows", "heap_bytes", "index_bytes", "indexes", "partitions")


class _Notices:
    """In the place of psycopg2's list of notices, which SQLAlchemy empties after each statement."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self._hear = hear

    def append(self, text: str) -> None:
        self._hear(redact(text.strip()))

    def __iter__(self) -> Any:
        return iter(())

    def __setitem__(self, key: object, value: object) -> None:
        """What SQLAlchemy does to empty the list."""
