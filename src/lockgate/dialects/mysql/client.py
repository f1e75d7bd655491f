"""The `mariadb` shell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lockgate.dialects.mysql import tls
from lockgate.secret import DatabaseUrl


def shell(url: DatabaseUrl) -> tuple[Sequence[str], Mapping[str, str], str]:
    """Return the client's arguments; it has no file for a password alone, and asks for it at the terminal."""
    parts = {"--host": url.host, "--port": str(url.port or ""), "--user": url.username, "--socket": url.query.get("unix_socket", "")}
    ask = ["--password"] if url.password else []
    return ["mariadb", *(f"{flag}={value}" for flag, value in parts.items() if value), *tls.client_flags(url), *ask, url.database], {}, ""
