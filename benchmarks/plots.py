"""A measurement as an SVG, on a scale of multiples; the same result gives the same file, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.figures import Section, Spread, ratio
from benchmarks.targets import LOCKGATE

# No moment, no version and no random names in the file; text stays text, so that the file is small and can be searched.
_SETTINGS = {"svg.hashsalt": "lockgate", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
_METADATA = {"Date": None, "Creator": None}
_OURS, _OTHERS = "#c2410c", ("#1d4ed8", "#60a5fa", "#047857", "#7c3aed", "#a16207", "#64748b", "#0f172a", "#be185d")


def draw(section: Section, folder: Path) -> None:
    """
    Write `<name>.svg` into a folder.

    Raises:
        ImportError: matplotlib is not installed here.
    """
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    with matplotlib.rc_context(_SETTINGS):
        figure, axes = pyplot.subplots(figsize=(7.2, 3.6), layout="constrained")
        (_lines if len(section.sizes) > 1 else _dots)(axes, section)
        figure.savefig(folder / f"{section.name}.svg", metadata=_METADATA)
        pyplot.close(figure)


def _lines(axes: Any, section: Section) -> None:
    others = iter(_OTHERS * 2)
    for name in section.contenders:
        points = [(size, found) for size in section.sizes if (found := ratio(section, name, size))]
        if points:
            colour = _OURS if name == LOCKGATE else next(others)
            sizes, spreads = [size for size, _ in points], [found for _, found in points]
            width = 2.4 if name == LOCKGATE else 1.2
            axes.errorbar(sizes, [found.median for found in spreads], _ends(spreads), label=name, color=colour, lw=width, marker="o", ms=3)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(section.sizes, [f"{size:,}" for size in section.sizes], minor=False)
    axes.minorticks_off()
    _multiples(axes.yaxis)
    axes.set_xlabel(section.unit)
    axes.set_ylabel(f"multiples of {_limit(section)}")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def _dots(axes: Any, section: Section) -> None:
    """Not bars: on such a scale their length would say nothing."""
    size = section.sizes[0]
    found = [(name, spread) for name in section.contenders if (spread := ratio(section, name, size))]
    found.sort(key=lambda pair: -pair[1].median)
    for name, spread in found:
        axes.errorbar([spread.median], [name], xerr=_ends([spread]), color=_OURS if name.startswith(LOCKGATE) else _OTHERS[0], marker="o")
    axes.margins(y=0.1)
    axes.grid(axis="y", color="#e2e8f0")
    axes.set_axisbelow(True)
    axes.set_xscale("log")
    axes.axvline(1, color="#94a3b8", lw=0.8)
    axes.minorticks_off()
    _multiples(axes.xaxis)
    axes.set_xlabel(f"multiples of {_limit(section)}")


def _ends(spreads: list[Spread]) -> list[list[float]]:
    return [[found.median - found.low for found in spreads], [found.high - found.median for found in spreads]]


def _multiples(axis: Any) -> None:
    """Ticks as 0.5, 1, 2, 5, 10: powers of ten alone leave most of these plots without any."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    axis.set_major_locator(LogLocator(10, (1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _limit(section: Section) -> str:
    return section.reference + (f" ({section.unit}: {section.reference_size:,})" if section.reference_size else "")
