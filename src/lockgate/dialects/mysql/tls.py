"""
Whether a connection to MariaDB or MySQL is verified: certificate and host name, unless the settings say less.

The drivers call the same thing by many names, and pymysql checks no host name where no file of authorities is given. So a URL says it in
one word, `ssl_mode`, as the servers' own clients do, and it is put into the driver's words where a driver reads it.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate.dialects.trust import BUNDLES, authorities, is_loopback
from lockgate.errors import Unreachable, UsageError
from lockgate.secret import DatabaseUrl

VERIFIED = "verify_identity"
_MODES = (VERIFIED, "verify_ca", "required", "preferred", "disabled")
_WORDS = ("ssl_mode", "ssl_disabled", "ssl_verify_cert", "ssl_verify_identity", "ssl_check_hostname")
_FILES = ("ssl_ca", "ssl_capath", "ssl_cert", "ssl_key")
_TRUE = ("1", "true", "yes", "on")
# Driver -> mode -> its words; SQLAlchemy's documentation of each driver, and pymysql's, mysqlclient's and the connectors' own.
_PYMYSQL = {VERIFIED: {"ssl_check_hostname": "true"}, "verify_ca": {"ssl_check_hostname": "false"}, "required": {"ssl_verify_cert": "false"}}
_ORACLE = {
    VERIFIED: {"ssl_verify_cert": "true", "ssl_verify_identity": "true"},
    "verify_ca": {"ssl_verify_cert": "true"},
    "required": {"ssl_verify_cert": "false"},
}
_CONNECTOR = {mode: {"ssl": "true", "ssl_verify_cert": "true"} for mode in (VERIFIED, "verify_ca")} | {"required": {"ssl": "true"}}
_SPOKEN: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "pymysql": {**_PYMYSQL, "disabled": {"ssl_disabled": "true"}},
    "mysqldb": {mode: {"ssl_mode": mode.upper()} for mode in _MODES},
    "mysqlconnector": {**_ORACLE, "disabled": {"ssl_disabled": "true"}},
    "mariadbconnector": _CONNECTOR,
}
_DEFAULT_DRIVER = "mysqldb"  # SQLAlchemy's, where a URL names none


def secured(url: DatabaseUrl, written: Mapping[str, str], where: str, environ: Mapping[str, str]) -> tuple[DatabaseUrl, str]:
    """
    Return the URL with the TLS mode that holds, and what a user must be told of it; see `Dialect.secured`.

    The drivers' own default talks to whoever answers, and goes on without TLS where the answer is no.

    Raises:
        UsageError: `tls-unverified`; `settings-invalid` for a mode that there is not.
    """
    mode, allowed = mode_of(url.query, where), mode_of(written, where)
    if is_local(url):
        return url, ""
    if allowed == VERIFIED or (mode in ("", VERIFIED) and not allowed):
        return _verified(url, environ), _deaf(url)
    if not allowed:
        what = f"the URL asks for `ssl_mode={mode}`, which does not check who answers, and the settings do not"
        raise UsageError("tls-unverified", what, where, f'take it out of the URL, or write it down: query = {{ ssl_mode = "{mode}" }}')
    told = f'nobody checks who answers at {url.place}: the settings say `ssl_mode = "{allowed}"`, not "{VERIFIED}"'
    return replace(url, query={**_without_mode(url), "ssl_mode": allowed}), told


def is_local(url: DatabaseUrl) -> bool:
    """Whether a URL leads to this machine: by a Unix socket, `localhost` or a loopback address; nothing is looked up."""
    return bool(url.query.get("unix_socket")) or is_loopback(url.host)


def mode_of(query: Mapping[str, str], where: str) -> str:
    """
    Return the mode that options ask for, in whatever driver's words; empty where they ask for none.

    Raises:
        UsageError: `settings-invalid`.
    """
    said = {name: query[name].lower() in _TRUE for name in _WORDS[1:] if name in query}
    if "ssl_mode" in query:
        mode = query["ssl_mode"].lower().replace("-", "_")
        if mode not in _MODES:
            raise UsageError("settings-invalid", f"there is no `ssl_mode` of this name: `{mode}`", where, f"one of {', '.join(_MODES)}")
        return mode
    if said.get("ssl_disabled"):
        return "disabled"
    if said.get("ssl_verify_cert") is False:
        return "required"
    if False in (said.get("ssl_verify_identity"), said.get("ssl_check_hostname")):
        return "verify_ca"
    said.pop("ssl_disabled", None)
    return VERIFIED if said or {"ssl_ca", "ssl_capath"} & set(query) else ""


def own_options(url: DatabaseUrl) -> dict[str, Any]:
    """
    Return what lockgate's own pymysql connection is given.

    Raises:
        Unreachable: `tls-failed` where a file of the settings cannot be read.
    """
    mode = mode_of(url.query, url.place)
    # A socket needs no TLS; looking for certificates takes longer than all the rest of connecting (66 against 2 ms, pymysql 1.2).
    if mode == "disabled" or (not mode and "unix_socket" in url.query):
        return {"ssl_disabled": True}
    if mode in ("", "preferred"):
        return {}
    try:
        return {"ssl": _context(mode, url.query)}
    except OSError as error:  # ssl.SSLError is one
        names = ", ".join(f"{name} = {url.query[name]}" for name in _FILES if name in url.query)
        what = f"the files for TLS cannot be read: {error.strerror or error}"
        raise Unreachable("tls-failed", what, url.place, f"look at {names or 'the authorities of this machine'}") from error


def spoken(url: DatabaseUrl) -> DatabaseUrl:
    """Return the URL in its driver's words; a driver that takes none gets none."""
    mode = mode_of(url.query, url.place)
    if not mode:
        return url
    words = _SPOKEN.get(url.driver or _DEFAULT_DRIVER)
    query = _without_mode(url)
    if words is None or mode not in (VERIFIED, "verify_ca"):
        query = {name: value for name, value in query.items() if name not in _FILES or (words and name in ("ssl_cert", "ssl_key"))}
    return replace(url, query={**query, **((words or {}).get(mode, {}))})


def client_flags(url: DatabaseUrl) -> list[str]:
    """Return the options of the servers' own shell."""
    mode = mode_of(url.query, url.place)
    flags = {VERIFIED: ["--ssl-verify-server-cert"], "verify_ca": ["--ssl"], "required": ["--ssl"], "disabled": ["--skip-ssl"]}
    return [*(f"--{name.replace('_', '-')}={url.query[name]}" for name in _FILES if name in url.query), *flags.get(mode, [])]


def _context(mode: str, query: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=query.get("ssl_ca"), capath=query.get("ssl_capath"))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # what MySQL makes for itself does not pass it (as pymysql does)
    context.check_hostname = mode == VERIFIED
    if mode == "required":
        context.verify_mode = ssl.CERT_NONE
    if "ssl_cert" in query:
        context.load_cert_chain(query["ssl_cert"], query.get("ssl_key"))
    return context


def _verified(url: DatabaseUrl, environ: Mapping[str, str]) -> DatabaseUrl:
    query = {**_without_mode(url), "ssl_mode": VERIFIED}
    if not {"ssl_ca", "ssl_capath"} & set(query):
        # Never without: pymysql would take that for "check no name". A file that is not there ends the connection, as it must.
        query["ssl_ca"] = authorities(environ) or BUNDLES[0]
    return replace(url, query=query)


def _deaf(url: DatabaseUrl) -> str:
    """What to tell of a driver that no URL can ask for TLS."""
    if (url.driver or _DEFAULT_DRIVER) in _SPOKEN:
        return ""
    return f"`{url.driver}` takes no word of TLS from a URL: lockgate's own connections are verified, env.py's only if it passes `ssl` in `connect_args`"


def _without_mode(url: DatabaseUrl) -> dict[str, str]:
    return {name: value for name, value in url.query.items() if name not in _WORDS}
