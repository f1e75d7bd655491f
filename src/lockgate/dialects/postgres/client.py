"""URLs for other people's drivers, and psql."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lockgate.dialects.postgres.wire import SHORTEST_CONNECT
from lockgate.secret import DatabaseUrl

_VARIABLES = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "options": "PGOPTIONS"}


def project_url(url: DatabaseUrl, timeout: float) -> tuple[DatabaseUrl, Mapping[str, str]]:
    """
    Say TLS options in the words of the driver that the URL names, and for libpq how long it may try to connect.

    Left alone psycopg tries for 130 s, libpq for as long as the kernel does; asyncpg has a bound of its own (60 s).
    asyncpg knows `ssl` instead of `sslmode`, and takes the root certificate only from libpq's variable (asyncpg
    documentation, `connect`).
    """
    if url.driver != "asyncpg":
        return url, {"PGCONNECT_TIMEOUT": str(max(SHORTEST_CONNECT, round(timeout)))}
    query = {("ssl" if key == "sslmode" else key): value for key, value in url.query.items() if key != "sslrootcert"}
    root = url.query.get("sslrootcert")
    return replace(url, query=query), {"PGSSLROOTCERT": root} if root else {}


def psql(url: DatabaseUrl) -> tuple[Sequence[str], Mapping[str, str], str]:
    """Return psql's arguments and variables, and the password file's line (PostgreSQL manual, 32.16 The Password File)."""
    host = url.host or url.query.get("host", "")
    parts = {"-h": host, "-p": str(url.port or ""), "-U": url.username, "-d": url.database}
    arguments = [word for flag, value in parts.items() if value for word in (flag, value)]
    variables = {_VARIABLES[key]: value for key, value in url.query.items() if key in _VARIABLES}
    password = url.password.reveal().replace("\\", "\\\\").replace(":", "\\:")
    return ["psql", *arguments], variables, f"*:*:*:*:{password}\n" if password else ""
