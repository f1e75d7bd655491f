"""Whether a connection to PostgreSQL is verified: certificate and host name, unless the settings say less."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from lockgate.dialects.trust import authorities, is_loopback
from lockgate.errors import UsageError
from lockgate.secret import DatabaseUrl

VERIFIED = "verify-full"


def secured(url: DatabaseUrl, written: Mapping[str, str], where: str, environ: Mapping[str, str]) -> tuple[DatabaseUrl, str]:
    """
    Return the URL with the TLS mode that holds, and what a user must be told of it; see `Dialect.secured`.

    libpq's own default, `prefer`, talks to whoever answers, and goes on without TLS where the answer is no
    (PostgreSQL manual, 32.1.2 and 32.19).

    Raises:
        UsageError: `tls-unverified`.
    """
    if is_local(url, environ):
        return url, ""
    mode = url.query.get("sslmode") or url.query.get("ssl") or ""
    allowed = written.get("sslmode") or written.get("ssl") or ""
    if mode in ("", VERIFIED) and allowed in ("", VERIFIED):
        return _verified(url, environ), ""
    if not allowed:
        what = f"the URL says `sslmode={mode}`, which does not check who answers, and the settings do not"
        hint = f'take it out of the URL, or write it down: query = {{ sslmode = "{mode}" }}'
        raise UsageError("tls-unverified", what, where, hint)
    told = f'nobody checks who answers at {url.place}: the settings say `sslmode = "{allowed}"`, not "{VERIFIED}"'
    return replace(url, query={**_without_mode(url), "sslmode": allowed}), "" if allowed == VERIFIED else told


def is_local(url: DatabaseUrl, environ: Mapping[str, str]) -> bool:
    """
    Whether every address of a URL is this machine: a Unix socket, `localhost` or a loopback address; nothing is looked up.

    Args:
        environ: libpq takes from it what the URL leaves out.
    """
    host = url.host or url.query.get("host") or environ.get("PGHOST", "")
    address = url.query.get("hostaddr") or environ.get("PGHOSTADDR", "") or host
    if not address and (url.query.get("service") or environ.get("PGSERVICE")):
        return False
    return all(is_loopback(part.strip()) for part in address.split(","))


def _verified(url: DatabaseUrl, environ: Mapping[str, str]) -> DatabaseUrl:
    query = {**_without_mode(url), "sslmode": VERIFIED}
    own = os.path.join(os.path.expanduser("~"), ".postgresql", "root.crt")  # where every driver looks by itself
    if "sslrootcert" not in query and not environ.get("PGSSLROOTCERT") and not os.path.exists(own):
        found = authorities(environ)
        query |= {"sslrootcert": found} if found else {}
    return replace(url, query=query)


def _without_mode(url: DatabaseUrl) -> dict[str, str]:
    return {key: value for key, value in url.query.items() if key not in ("ssl", "sslmode")}
