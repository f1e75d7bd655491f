"""What a table lock keeps others from doing."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lockgate.hazards.seen import MODES

READS, WRITES, MAINTENANCE = "reads", "writes", "maintenance"


def spelled(mode: str) -> str:
    """Return a mode as the manual writes it: `ACCESS EXCLUSIVE` for `AccessExclusiveLock`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", mode.removesuffix("Lock")).upper()


def blocks(mode: str) -> tuple[str, ...]:
    """
    Return what waits for a table that is locked in this mode.

    Source: PostgreSQL manual, 13.3.1, table 13.2: SELECT takes ACCESS SHARE, INSERT and UPDATE take ROW EXCLUSIVE, VACUUM and most DDL
    take SHARE UPDATE EXCLUSIVE or more.
    """
    rank = MODES.index(mode)
    found = [(READS, "AccessExclusiveLock"), (WRITES, "ShareLock"), (MAINTENANCE, "ShareUpdateExclusiveLock")]
    return tuple(word for word, least in found if rank >= MODES.index(least))


# What each mode keeps out; PostgreSQL manual, 13.3.1, table 13.2.
_CONFLICTS = {
    "AccessShareLock": ("AccessExclusiveLock",),
    "RowShareLock": ("ExclusiveLock", "AccessExclusiveLock"),
    "RowExclusiveLock": ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"),
    "ShareUpdateExclusiveLock": ("ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"),
    "ShareLock": ("RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"),
    "ShareRowExclusiveLock": MODES[2:],
    "ExclusiveLock": MODES[1:],
    "AccessExclusiveLock": MODES,
}


def waits_for(wanted: str, held: Iterable[str]) -> bool:
    """Whether who wants a table in one mode waits for who holds it in others."""
    return any(wanted in _CONFLICTS.get(mode, ()) for mode in held)


def is_strong(mode: str) -> bool:
    """Whether writers wait."""
    return WRITES in blocks(mode)


def strongest(modes: Iterable[str]) -> str:
    """Return the strongest of some modes; empty for none."""
    return max(modes, key=MODES.index, default="")
