"""Recognising a transaction pooler: through one, a session advisory lock belongs to whoever comes next."""

from __future__ import annotations

from lockgate.dialects.postgres.session import connect
from lockgate.errors import Refused
from lockgate.secret import DatabaseUrl

_PID = "select pg_catalog.pg_backend_pid()"


def refuse_transaction_pooler(url: DatabaseUrl, timeout: float) -> None:
    """
    Raise `Refused` where two connections that are open at once share one backend.

    A pooler invents the process id that it tells the client at login; a server tells the backend's own. Only where the
    two differ is the second connection made: a session pooler gives each client a backend of its own and is fine.

    Source: measured with PgBouncer 1.18 (reliability.md, section 5).
    """
    with connect(url, timeout) as first:
        pid = first.execute(_PID).fetchone()
        if pid is None or pid[0] == first.info.backend_pid:
            return
        first.commit()
        with connect(url, timeout) as second:
            if second.execute(_PID).fetchone() != pid:
                return
    raise Refused(
        "transaction-pooler",
        "a transaction pooler stands between lockgate and the database: no lock can be held through it",
        url.place,
        "point this environment at the database's own port (for PgBouncer usually 5432 instead of 6432)",
    )
