"""The schema of one PostgreSQL database, made again in another one by pg_dump and psql."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lockgate.dialects.postgres.client import psql
from lockgate.errors import Unreachable
from lockgate.secret import DatabaseUrl, redact

# What is left out changes no lock, or would need what a scratch server does not have.
_LEFT_OUT = "--no-owner --no-privileges --no-publications --no-subscriptions --no-security-labels --no-tablespaces --no-comments".split()

_SCHEMA = re.compile(rb"^CREATE SCHEMA ", re.M)


def copy_schema(programs: Path, source: DatabaseUrl, scratch: DatabaseUrl, patience: float, stubs: Mapping[str, str]) -> None:
    """
    See `Tracing.copy_schema`.

    pg_dump reads in a transaction that is REPEATABLE READ, READ ONLY (PostgreSQL manual, pg_dump), and reads servers older than itself.
    """
    left_out = [*_LEFT_OUT, "--exclude-schema=lockgate", *(f'--exclude-extension="{name}"' for name in stubs)]
    words = ["--schema-only", f"--lock-wait-timeout={round(patience * 1000)}", *left_out]
    text = _run(programs / "pg_dump", words, source, b"", "the schema cannot be read")
    if stubs:
        # What cannot be imitated is missed only if something in the schema needs it.
        _run(programs / "psql", ["-X", "-q", "-f", "-"], scratch, "\n".join(stubs.values()).encode(), "extensions cannot be imitated")
    text = _SCHEMA.sub(rb"\g<0>IF NOT EXISTS ", text)  # a stub may have made it
    _run(programs / "psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"], scratch, text, "the scratch database cannot be given the schema")


def _run(program: Path, words: list[str], url: DatabaseUrl, given: bytes, what: str) -> bytes:
    (_, *login), variables, _ = psql(url)
    port = {"PGPORT": url.query["port"]} if "port" in url.query else {}
    password = {"PGPASSWORD": url.password.reveal()} if url.password else {}
    environ = {"PATH": os.defpath, **variables, **port, **password}
    try:
        done = subprocess.run([str(program), *words, *login], input=given, capture_output=True, check=False, env=environ)
    except OSError as error:
        raise Unreachable("no-plan", f"{what}: {error}", url.place, "pip install 'lockgate[embedded]'") from error
    if done.returncode:
        raise Unreachable("no-plan", f"{what}: {_reason(done.stderr)}", url.place, "the role needs USAGE on the schemas and SELECT on the tables")
    return done.stdout


def _reason(stderr: bytes) -> str:
    """The first complaint; what follows only repeats it."""
    lines = redact(stderr.decode(errors="replace")).strip().splitlines()
    found = [line for line in lines if "ERROR:" in line or "error:" in line] or lines
    return found[0].split("ERROR:")[-1].split("error:")[-1].strip() if found else "no reason given"
