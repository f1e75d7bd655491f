"""URLs for other people's drivers, and psql."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lockgate.secret import DatabaseUrl

_VARIABLES = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "options": "PGOPTIONS"}


def project_url(url: DatabaseUrl) -> tuple[DatabaseUrl, Mapping[str, str]]:
    """
    Say TLS options in the words of the driver that the URL names.

    asyncpg knows `ssl` instead of `sslmode`, and takes the root certificate only from libpq's variable
    (asyncpg documentation, `connect`).
    """
    if url.driver != "asyncpg":
        return url, {}
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
