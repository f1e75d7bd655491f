"""Who runs this process."""

from __future__ import annotations

import getpass
import os
import socket


def operator() -> str:
    """Return `user@host`; the numeric user id where the user has no name (containers)."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return f"{user}@{socket.gethostname()}"
