"""Waiting for one's turn: lockgate's lock on a database is polled, and whoever holds it is named."""

from __future__ import annotations

import time

from lockgate.dialects.parts import Lock
from lockgate.errors import Busy
from lockgate.events import Notify, Waiting

_SAY_AGAIN = 5.0  # seconds between two messages of a waiting run


def wait_for(lock: Lock, limit_s: float, where: str, notify: Notify) -> float:
    """
    Take a lock, polling.

    Args:
        limit_s: seconds.
        notify: hears who holds it, now and then.
    Returns:
        Seconds waited.
    Raises:
        Busy: `busy`: somebody else has held it for the whole time.
    """
    began = said = time.monotonic()
    while not lock.take():
        waited = time.monotonic() - began
        if waited >= limit_s:
            what = f"another run holds this database's lock, still after {waited:.0f} s: {lock.holder() or 'it does not say who it is'}"
            raise Busy("busy", what, where, "wait for it, or look at `lockgate history`; raise `lock_wait` for long migrations")
        if said == began or time.monotonic() - said >= _SAY_AGAIN:
            said = time.monotonic()
            notify(Waiting(lock.holder(), waited, limit_s))
        time.sleep(min(0.1 + waited / 20, 1.0))
    return time.monotonic() - began
