"""Running a SQL script, dumps of pg_dump included, on lockgate's own psycopg connection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, cast

from lockgate.dialects.postgres.session import PostgresSession
from lockgate.errors import Failed
from lockgate.permit import Permit, Session
from lockgate.secret import redact
from lockgate.sql_script import Piece, pieces

_AT_ONCE = 100  # statements
# `_cheaper` makes the last.
_SENT_AHEAD = re.compile(r"(create|alter|comment|grant|revoke|insert)\b|select .* where false$", re.IGNORECASE | re.DOTALL)
_EMPTY = re.compile(r"COPY (?P<table>\S+) \((?P<columns>[^()]+)\) FROM stdin")  # as pg_dump writes it
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
    for batch in _batches([_cheaper(piece) for piece in script if not _WAIT_FOR_EVER.fullmatch(piece.sql.strip())]):
        _run(session, batch)
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


def _batches(script: Sequence[Piece]) -> Iterator[Sequence[Piece]]:
    """Group what can be sent without waiting for the answer to each; anything else may change how the rest has to be sent."""
    for ahead, run in groupby(script, lambda piece: piece.data is None and _SENT_AHEAD.match(piece.sql) is not None):
        found = list(run)
        size = _AT_ONCE if ahead else 1
        yield from (found[start : start + size] for start in range(0, len(found), size))


def _cheaper(piece: Piece) -> Piece:
    """Put a question in the place of a COPY without lines, of which a dump has one for each empty table: it fails as that would."""
    found = _EMPTY.fullmatch(piece.sql.strip().rstrip(";")) if piece.data == "" else None
    return Piece(f"select {found['columns']} from {found['table']} where false", piece.line) if found else piece


def _run(session: PostgresSession, batch: Sequence[Piece]) -> None:
    """Run a batch; of one that is sent ahead the first statement without an answer is the one that failed."""
    import psycopg

    done, sent = 0, list[psycopg.Cursor[Any]]()
    try:
        if len(batch) == 1 or not psycopg.Pipeline.is_supported():
            for piece in batch:
                run_one(session, piece.sql, piece.data)
                done += 1
            return
        with session.connection.pipeline():
            for piece in batch:
                sent.append(session.connection.cursor())
                sent[-1].execute(cast("Any", piece.sql))
    except psycopg.Error as error:
        done += sum(cursor.statusmessage is not None for cursor in sent)
        first = redact(str(error)).strip().splitlines()[0]
        what = f"line {batch[min(done, len(batch) - 1)].line}: {first}"
        raise Failed("bootstrap-failed", what, hint="mend the script; the database is as it was before") from error
