"""Recognising a transaction pooler: through one, a session advisory lock belongs to whoever comes next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lockgate.dialects.postgres.session import connect, unreachable
from lockgate.errors import Refused
from lockgate.secret import DatabaseUrl

if TYPE_CHECKING:
    import psycopg

_PID = "select pg_catalog.pg_backend_pid()"
# Under load a transaction pooler may hand out another backend each time: one look misses it in 3 of 10 cases.
_ROUNDS = 10


def refuse_transaction_pooler(url: DatabaseUrl, timeout: float) -> None:
    """
    Raise `Refused` where a connection does not keep the backend that it began with, or shares it.

    A pooler invents the process id that it tells the client at login; a server tells the backend's own. Only where the
    two differ is a second connection made: a session pooler gives each client a backend of its own and is fine.

    Source: measured with PgBouncer 1.18 (reliability.md, section 5).
    """
    with connect(url, timeout) as first, _hung_up(url):
        first.autocommit = True
        if _backend(first) == first.info.backend_pid:
            return
        with connect(url, timeout) as second:
            second.autocommit = True
            seen = {(_backend(first), _backend(second)) for _ in range(_ROUNDS)}
    ours, others = {pair[0] for pair in seen}, {pair[1] for pair in seen}
    if len(ours) == len(others) == 1 and ours != others:
        return
    raise Refused(
        "transaction-pooler",
        "a transaction pooler stands between lockgate and the database: no lock can be held through it",
        url.place,
        "point this environment at the database's own port (for PgBouncer usually 5432 instead of 6432)",
    )


@contextmanager
def _hung_up(url: DatabaseUrl) -> Iterator[None]:
    from psycopg import OperationalError

    try:
        yield
    except OperationalError as error:
        raise unreachable(error, url) from None


def _backend(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(_PID, prepare=False).fetchone()  # a statement prepared on one backend is unknown to the next
    return int(row[0]) if row else 0
