"""Running a SQL script, dumps of pg_dump included, on lockgate's own psycopg connection."""

from __future__ import annotations

import re
from typing import Any, cast

from lockgate.dialects.postgres.session import PostgresSession
from lockgate.errors import Failed
from lockgate.permit import Permit, Session
from lockgate.secret import redact
from lockgate.sql_script import Piece, pieces

# The head of every dump of pg_dump: behind somebody's open transaction it would wait without end.
_WAIT_FOR_EVER = re.compile(r"set\s+(session\s+)?lock_timeout\s*(=|to)\s*'?0'?;?", re.IGNORECASE)


def run_script(permit: Permit, connection: Any, text: str) -> int:
    """
    Run every piece of `text` in the transaction that is open on the permit's connection.

    Settings that the script makes (pg_dump empties the search_path) end with it. `SET lock_timeout = 0` is passed over.

    Returns:
        The number of statements.
    Raises:
        Failed: `bootstrap-failed`, with the line.
        UsageError: the script contains what only psql can do, or transaction control.
    """
    session = PostgresSession(connection.connection.driver_connection)
    script = list(pieces(text))
    for piece in script:
        if not _WAIT_FOR_EVER.fullmatch(piece.sql.strip()):
            _run(session, piece)
    session.execute("reset all")
    return len(script)


def run_one(session: Session, sql: str, data: str | None) -> None:
    """Run one statement on lockgate's own session, with the lines that follow it where it is a COPY from stdin."""
    connection = cast("PostgresSession", session).connection
    if data is None:
        session.execute(sql)
        return
    with connection.cursor().copy(cast("Any", sql)) as copy:
        copy.write(data)


def _run(session: PostgresSession, piece: Piece) -> None:
    import psycopg

    try:
        run_one(session, piece.sql, piece.data)
    except psycopg.Error as error:
        first = redact(str(error)).strip().splitlines()[0]
        raise Failed("bootstrap-failed", f"line {piece.line}: {first}", hint="mend the script; the database is as it was before") from error
