"""The schema of one PostgreSQL database, made again in another one by pg_dump and psql."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockgate.dialects.postgres.client import conninfo
from lockgate.dialects.postgres.relay import PORT, relayed
from lockgate.dialects.postgres.session import connect, unreachable
from lockgate.errors import Unreachable
from lockgate.secret import DatabaseUrl, redact

if TYPE_CHECKING:
    import psycopg

# What is left out changes no lock, or would need what a scratch server does not have.
_LEFT_OUT = "--no-owner --no-privileges --no-publications --no-subscriptions --no-security-labels --no-tablespaces --no-comments".split()

# pg_dump switches off what its own server would have; an older one does not know the name. PostgreSQL 17 release notes.
_OF_17 = re.compile(rb"^SET transaction_timeout = 0;\n", re.M)
# What of the way to a server is not where it is, nor how safely; names of libpq.
_KEPT = (
    "user dbname options client_encoding application_name connect_timeout keepalives keepalives_idle keepalives_interval"
    " keepalives_count tcp_user_timeout"
).split()
_PLACE = ("host", "hostaddr", "port", "requirepeer")
_TIMEOUT_S = 10.0
_SCHEMA = re.compile(rb"^CREATE SCHEMA ", re.M)


def copy_schema(programs: Path, source: DatabaseUrl, scratch: DatabaseUrl, patience: float, stubs: Mapping[str, str]) -> None:
    """
    See `Tracing.copy_schema`.

    pg_dump reads in a transaction that is REPEATABLE READ, READ ONLY (PostgreSQL manual, pg_dump), and reads servers older than itself.
    """
    left_out = [*_LEFT_OUT, "--exclude-schema=lockgate", *(f'--exclude-extension="{name}"' for name in stubs)]
    words = ["--schema-only", f"--lock-wait-timeout={round(patience * 1000)}", *left_out]
    text = _run(programs, "pg_dump", words, source, b"", "the schema cannot be read")
    if stubs:
        # What cannot be imitated is missed only if something in the schema needs it.
        _run(programs, "psql", ["-X", "-q", "-f", "-"], scratch, "\n".join(stubs.values()).encode(), "extensions cannot be imitated")
    text = _SCHEMA.sub(rb"\g<0>IF NOT EXISTS ", _OF_17.sub(b"", text))  # a stub may have made it
    _run(programs, "psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"], scratch, text, "the scratch database cannot be given the schema")


def _run(programs: Path, name: str, words: list[str], url: DatabaseUrl, given: bytes, what: str) -> bytes:
    with _way(url) as (where, password):
        command = [str(programs / name), "--no-password", *words, "-d", where]
        environ = {"PATH": os.defpath, **({"PGPASSWORD": password} if password else {})}
        try:
            done = subprocess.run(command, input=given, capture_output=True, check=False, env=environ)
        except OSError as error:
            raise Unreachable("no-plan", f"{what}: {error}", url.place, "pip install 'lockgate[embedded]'") from error
    if done.returncode:
        raise Unreachable("no-plan", f"{what}: {_reason(done.stderr)}", url.place, "the role needs USAGE on the schemas and SELECT on the tables")
    return done.stdout


@contextmanager
def _way(url: DatabaseUrl) -> Iterator[tuple[str, str]]:
    """
    Give the way to a server for a program that knows no TLS, and the password.

    It is read off a connection of psycopg's, which by then has gone through several hosts, a service, a password file and variables: the
    program must come to the same server on the same terms.
    """
    with closing(connect(url, _TIMEOUT_S)) as connection:
        found, encrypted, password = _options(connection), bool(connection.pgconn.ssl_in_use), connection.info.password
    kept = {key: found[key] for key in _KEPT if key in found}
    if not encrypted:
        yield conninfo(kept | {key: found[key] for key in _PLACE if found.get(key)}), password
        return
    if found.get("channel_binding") == "require" and not found.get("sslmode", "").startswith("verify-"):
        what = "`channel_binding=require` is more than pg_dump can do here, and `sslmode` does not check who answers instead"
        raise Unreachable("no-plan", what, url.place, 'have it checked: query = { sslmode = "verify-full" }')
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(relayed(found))
        except OSError as error:
            raise unreachable(error, url) from error
        yield conninfo(kept | {"host": folder, "port": PORT}), password


def _options(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """libpq's options as they are in force, and which server it came to."""
    info = connection.info
    found = {option.keyword.decode(): option.val.decode() for option in connection.pgconn.info if option.val}
    return found | {"host": info.host, "hostaddr": info.hostaddr, "port": str(info.port)}


def _reason(stderr: bytes) -> str:
    """The first complaint; what follows only repeats it."""
    lines = redact(stderr.decode(errors="replace")).strip().splitlines()
    found = [line for line in lines if "ERROR:" in line or "error:" in line] or lines
    return found[0].split("ERROR:")[-1].split("error:")[-1].strip() if found else "no reason given"
