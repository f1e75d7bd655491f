"""What a plan's statements did to the target's rows, where these came along to the copy; pure."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.answers import Answer, Kind
from lockgate.hazards.effects import COPY, Effect, Effects


def done(effects: Effects) -> tuple[Answer, ...]:
    """Return how many rows each statement has written and deleted; nothing where the copy has none of the target's."""
    if effects.source != COPY:
        return ()
    return tuple(answer for revision, effect in effects.each() for answer in _done(revision.id, effect))


def _done(revision: str, effect: Effect) -> Iterator[Answer]:
    for rows in effect.written:
        table = rows.relation.original
        counts: tuple[tuple[Kind, int], ...] = (("deleted", rows.deleted), ("written", rows.inserted + rows.updated))
        for kind, count in counts:
            # Those of triggers and cascades are in the sum, and nobody knows whose rows they were.
            own = min(count, effect.rowcount) if effect.rowcount > 0 else count
            if table and own:
                yield Answer(revision=revision, number=effect.number, kind=kind, table=table, count=own)
