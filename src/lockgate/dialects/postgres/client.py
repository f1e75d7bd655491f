"""URLs for other people's drivers, and psql."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lockgate.dialects.postgres.wire import SHORTEST_CONNECT
from lockgate.secret import DatabaseUrl

# What libpq of PostgreSQL 18 knows (manual, 32.1.2), but for `replication`, and for secrets: arguments are seen by everybody on the machine.
_KEYWORDS = frozenset(
    "service user passfile channel_binding connect_timeout dbname host hostaddr port client_encoding options application_name"
    " fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout sslmode sslnegotiation"
    " sslcompression sslcert sslkey sslcertmode sslrootcert sslcrl sslcrldir sslsni requirepeer require_auth min_protocol_version"
    " max_protocol_version ssl_min_protocol_version ssl_max_protocol_version gssencmode krbsrvname gsslib gssdelegation"
    " target_session_attrs load_balance_hosts oauth_issuer oauth_client_id oauth_scope".split()
)


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


def login(url: DatabaseUrl) -> dict[str, str]:
    """
    Return the options of a URL that libpq knows, in its words, the password aside.

    A driver has more of them, which say nothing about the way to the server; asyncpg's `ssl` is libpq's `sslmode`.
    """
    named = {"sslmode": url.query.get("ssl", ""), **{key: value for key, value in url.query.items() if key in _KEYWORDS}}
    parts = {"host": url.host, "port": str(url.port or ""), "user": url.username, "dbname": url.database}
    if url.password:
        named.pop("passfile", None)  # psql would look there, and not into the file that we give it
    return {key: value for key, value in (named | {key: value for key, value in parts.items() if value}).items() if value}


def conninfo(options: Mapping[str, str]) -> str:
    """Return options as libpq's programs read them (PostgreSQL manual, 32.1.1.1)."""
    quoted = {key: value.replace("\\", "\\\\").replace("'", "\\'") for key, value in options.items()}
    return " ".join(f"{key}='{value}'" for key, value in quoted.items())


def psql(url: DatabaseUrl) -> tuple[Sequence[str], Mapping[str, str], str]:
    """Return psql's arguments and variables, and the password file's line (PostgreSQL manual, 32.16 The Password File)."""
    password = url.password.reveal().replace("\\", "\\\\").replace(":", "\\:")
    return ["psql", "-d", conninfo(login(url))], {}, f"*:*:*:*:{password}\n" if password else ""
