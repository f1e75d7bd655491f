"""What a measurement gives, as values; medians, their spread, ratios. Nothing here runs or reads anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

_ENOUGH_FOR_QUARTILES = 4


@dataclass(frozen=True)
class Sample:
    """
    One run.

    Args:
        wall_s: seconds by the clock.
        cpu_s: user and system seconds of the process and its children, not of a database server; 0 where work was done in this process.
        peak_mib: most memory that the process had resident, in MiB; 0 where it was not read.
    """

    wall_s: float
    cpu_s: float = 0.0
    peak_mib: float = 0.0


@dataclass(frozen=True)
class Series:
    """
    The runs of one contender at one size.

    Args:
        size: of the work, in the section's unit; 0 where the section has one size only.
        error: why there are none, for a contender that failed.
    """

    contender: str
    size: int
    samples: tuple[Sample, ...]
    error: str = ""


@dataclass(frozen=True)
class Section:
    """
    One measurement: contenders that took turns at the same work.

    Args:
        name: as `--only` takes it.
        about: what is measured, in Markdown.
        unit: what the sizes count; empty where there is one size.
        reference: the contender that ratios are multiples of.
        reference_size: the size of the reference; 0 for the same size as the contender's.
        load: the machine's load average over a minute, at the start.
        notes: who was left out, and why; whatever else the figures do not say.
    """

    name: str
    title: str
    about: str
    unit: str
    reference: str
    series: tuple[Series, ...]
    reference_size: int = 0
    rounds: int = 0
    load: float = 0.0
    notes: tuple[str, ...] = ()

    def samples(self, contender: str, size: int) -> tuple[Sample, ...]:
        """Return the runs of a contender at a size; none where it did not run."""
        return next((found.samples for found in self.series if (found.contender, found.size) == (contender, size)), ())

    @property
    def contenders(self) -> list[str]:
        """In the order of their first appearance."""
        return list(dict.fromkeys(found.contender for found in self.series))

    @property
    def sizes(self) -> list[int]:
        """From small to large."""
        return sorted({found.size for found in self.series})

    @property
    def compares(self) -> bool:
        """Whether there is anything to show: the reference ran."""
        return any(found.contender == self.reference and found.samples for found in self.series)


@dataclass(frozen=True)
class Result:
    """Everything that one call of the benchmarks measured, with what it was measured on."""

    machine: dict[str, str]
    versions: dict[str, str]
    sections: tuple[Section, ...]

    def section(self, name: str) -> Section | None:
        """Return a measurement by its name."""
        return next((section for section in self.sections if section.name == name), None)


@dataclass(frozen=True)
class Spread:
    """A median and where half of the runs lie: between the quartiles; with fewer than four runs the least and the most."""

    median: float
    low: float
    high: float

    def over(self, base: float) -> Spread:
        """Return multiples of `base`."""
        return Spread(self.median / base, self.low / base, self.high / base)


def spread(values: Sequence[float]) -> Spread:
    """Return the median and spread of at least one value."""
    if len(values) < _ENOUGH_FOR_QUARTILES:
        return Spread(median(values), min(values), max(values))
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return Spread(middle, low, high)


def wall(samples: Sequence[Sample]) -> Spread | None:
    """Return the spread of wall seconds; None where nothing ran."""
    return spread([sample.wall_s for sample in samples]) if samples else None


def cpu(samples: Sequence[Sample]) -> Spread | None:
    """Return the spread of CPU seconds; None where nothing ran or none were read."""
    values = [sample.cpu_s for sample in samples if sample.cpu_s]
    return spread(values) if values else None


def ratio(section: Section, contender: str, size: int, by: str = "wall") -> Spread | None:
    """Return a contender's time as multiples of the section's reference; `by` is `wall` or `cpu`; None where one of both is missing."""
    read = {"wall": wall, "cpu": cpu}[by]
    own = read(section.samples(contender, size))
    base = read(section.samples(section.reference, section.reference_size or size))
    return own.over(base.median) if own and base else None
