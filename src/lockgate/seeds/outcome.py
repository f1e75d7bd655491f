"""What seeding did, and what it tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable

from lockgate.outcome import Outcome
from lockgate.records import dataclass
from lockgate.seeds.rows import Counts, RowChange


@dataclass(frozen=True)
class SeedDone:
    """
    One file of one seed.

    Args:
        file: below the project's folder.
        table: as the database knows it; for a SQL seed the tables that it touched.
        how: `loaded`, `nothing to do`, `trusted` (`--if-changed`: the file is the one of last time, the table was not looked at),
            or `would load` (dry run).
        counts: None where nothing was compared: a trusted file, or a SQL seed.
        samples: the first rows of each kind, for a dry run.
    """

    name: str
    file: str
    table: str
    how: str
    counts: Counts | None = None
    deleted: int = 0
    duration_ms: int = 0
    samples: tuple[RowChange, ...] = ()


@dataclass(frozen=True)
class SeedOutcome:
    """How one call of `seed` ended: `done` in the order in which the seeds went."""

    environment: str
    place: str
    done: tuple[SeedDone, ...] = ()
    dry_run: bool = False
    waited_s: float = 0.0

    @property
    def wrote(self) -> bool:
        """Whether any row was written."""
        return any(item.how == "loaded" for item in self.done)


@dataclass(frozen=True)
class SeededUpgrade(Outcome):
    """How one call of `upgrade --seed` ended: the upgrade, and `seeds` in the order in which they went."""

    seeds: tuple[SeedDone, ...] = ()


@dataclass(frozen=True)
class Loading:
    """
    How far a file has been read; `total_bytes` is its size on disk, `rows` those on their way to the database.

    For an export: how far it has been written, and the size that it will probably have.
    """

    name: str
    read_bytes: int
    total_bytes: int
    rows: int
    doing: str = "seed"


Watch = Callable[[Loading], None]
