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


def is_strong(mode: str) -> bool:
    """Whether writers wait."""
    return WRITES in blocks(mode)


def strongest(modes: Iterable[str]) -> str:
    """Return the strongest of some modes; empty for none."""
    return max(modes, key=MODES.index, default="")
