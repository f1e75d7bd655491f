"""The `mariadb` shell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lockgate.secret import DatabaseUrl

_FLAGS = {"unix_socket": "--socket", "ssl_ca": "--ssl-ca", "ssl_cert": "--ssl-cert", "ssl_key": "--ssl-key"}


def shell(url: DatabaseUrl) -> tuple[Sequence[str], Mapping[str, str], str]:
    """Return the client's arguments; it has no file for a password alone, and asks for it at the terminal."""
    parts = {"--host": url.host, "--port": str(url.port or ""), "--user": url.username}
    options = {flag: url.query[key] for key, flag in _FLAGS.items() if key in url.query}
    ask = ["--password"] if url.password else []
    return ["mariadb", *(f"{flag}={value}" for flag, value in {**parts, **options}.items() if value), *ask, url.database], {}, ""
