"""What lockgate is to reach, and whether a result reaches it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.figures import Result, Sample, Section, wall

LOCKGATE = "lockgate"
ALEMBIC, ALEMBIC_EACH = "alembic", "alembic, a transaction each"
CONNECT, RAW_CLONE, COPY_FILE = "connect", "raw clone + connect", "copy the file + open"
CLONE_AND_UPGRADE = "clone + alembic upgrade"
BARE_PSYCOPG, BARE_SQLITE = "bare psycopg", "bare sqlite3"


@dataclass(frozen=True)
class Target:
    """
    One line of the table.

    Args:
        name: under which an explanation of a miss is kept.
        kind: `ratio`: lockgate's median over the reference's; `added`: milliseconds more than the reference; `memory`: peak MiB.
        size: of lockgate's work.
        reference: the contender that it is held against; empty for memory.
        reference_size: of the reference's work; None for the same.
        most: the most that reaches it.
    """

    name: str
    work: str
    against: str
    kind: str
    section: str
    size: int
    reference: str
    most: float
    reference_size: int | None = None
    contender: str = LOCKGATE


def _same_work(name: str, work: str, section: str, sizes: Sequence[int], against: str, reference: str, most: float) -> list[Target]:
    return [Target(f"{name}-{size}", f"{work}, {size:,} revision{'s' * (size > 1)}", against, "ratio", section, size, reference, most) for size in sizes]


def _fresh_databases() -> list[Target]:
    work, section = "fresh test database", "databases"
    pooled = (("pool", 200, 2.0), ("recycled", 200, 2.0), ("recycled", 0, 3.0))
    found = [Target("databases-cold", f"{work}, cold", RAW_CLONE, "ratio", section, 0, RAW_CLONE, 1.1, contender="lockgate, cold")]
    for does, thinking_ms, most in pooled:
        ours, beside = pooled_names(does, thinking_ms)
        name = f"databases-{does}-{thinking_ms}"
        found.append(Target(name, f"{work}, {ours.removeprefix('lockgate, ')}", CONNECT, "ratio", section, 0, beside, most, contender=ours))
    return [*found, Target("databases-sqlite", f"{work}, SQLite", COPY_FILE, "ratio", "databases-sqlite", 0, COPY_FILE, 2.0)]


def pooled_names(does: str, thinking_ms: float) -> tuple[str, str]:
    """Return the contenders of a measurement with a pool: lockgate, and the bare connect that took turns with it."""
    tests = f"{does}, tests of {thinking_ms:.0f} ms"
    return f"lockgate, {tests}", f"{CONNECT}, beside {tests}"


_NO_OP = "no-op upgrade"
TARGETS: tuple[Target, ...] = (
    *_same_work("noop", _NO_OP, "noop", (1, 100, 1000), "psycopg: import, connect, select", BARE_PSYCOPG, 1.2),
    Target("noop-growth", f"{_NO_OP}, 3,000 revisions", "the same with 1", "added", "noop", 3000, LOCKGATE, 30, reference_size=1),
    *_same_work("noop-sqlite", f"{_NO_OP} on SQLite", "noop-sqlite", (1, 100, 1000), "Alembic", ALEMBIC, 0.2),
    Target("help", "`lockgate --help`", "`import click`", "ratio", "help", 0, "import click", 1.3),
    *_same_work("replay", "empty to head", "replay", (100, 1000), "Alembic, a transaction each", ALEMBIC_EACH, 1.0),
    Target(
        "schema-sql", "empty to head by `schema.sql`, 1,000 revisions", "Alembic", "ratio", "replay", 1000, ALEMBIC, 0.3,
        contender="lockgate, schema.sql",
    ),
    Target("pending", "1 pending of 3,000", "1 pending of 10", "ratio", "pending", 3000, LOCKGATE, 1.15, reference_size=10),
    Target("sqlite-20", "empty to head on SQLite, 20 revisions", "Alembic", "ratio", "replay-sqlite", 20, ALEMBIC, 0.4),
    *_fresh_databases(),
    Target("plan", "`lockgate plan`, 3 pending on 100 tables", CLONE_AND_UPGRADE, "ratio", "plan", 0, CLONE_AND_UPGRADE, 10.0),
    Target("memory", f"peak memory of a {_NO_OP}, 3,000 revisions", "", "memory", "noop", 3000, "", 60),
)  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """
    A target and what was measured.

    Args:
        found: in the unit of the target's kind; None where it was not measured.
        shown: the same for people, without a time; empty where it was not measured.
    """

    target: Target
    found: float | None
    shown: str = ""

    @property
    def hit(self) -> bool | None:
        """Whether it was reached; None where it was not measured."""
        return None if self.found is None else self.found <= self.target.most


def judge(result: Result, targets: Sequence[Target] = TARGETS) -> list[Judged]:
    """Hold a result to the targets."""
    return [_judged(target, result.section(target.section)) for target in targets]


def _judged(target: Target, section: Section | None) -> Judged:
    own = section.samples(target.contender, target.size) if section else ()
    if not section or not own:
        return Judged(target, None)
    if target.kind == "memory":
        return _memory(target, own)
    size = target.size if target.reference_size is None else target.reference_size
    mine, base = wall(own), wall(section.samples(target.reference, size))
    if mine is None or base is None:
        return Judged(target, None)
    if target.kind == "added":
        more = mine.median - base.median
        return Judged(target, more * 1000, f"{more / base.median:+.0%} of the time with {size}")
    found = mine.over(base.median)
    return Judged(target, found.median, f"{found.median:.2f} x ({found.low:.2f} to {found.high:.2f})")


def _memory(target: Target, samples: Sequence[Sample]) -> Judged:
    peak = median(sample.peak_mib for sample in samples)
    return Judged(target, peak, f"{peak:.0f} MiB")
