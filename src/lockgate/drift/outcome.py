"""How a call of `drift` ended."""

from __future__ import annotations

from dataclasses import dataclass

from lockgate.drift.compare import Difference


@dataclass(frozen=True)
class DriftOutcome:
    """
    What was compared with what, and what came of it.

    Args:
        heads: the revisions that are applied.
        against: `revisions`, `models`, or the file of a snapshot; empty where a snapshot was only saved.
        by: where the revisions were run: `PostgreSQL 18, embedded`; empty otherwise.
        objects: number of objects that the database has.
        ignored: number of differences that the settings do not want to hear of.
        saved: the file that the snapshot was written to; empty where it was not.
        code: `drift` where there is a difference.
    """

    environment: str
    place: str
    heads: tuple[str, ...] = ()
    against: str = ""
    by: str = ""
    objects: int = 0
    differences: tuple[Difference, ...] = ()
    ignored: int = 0
    saved: str = ""
    code: str = ""
