"""Results in files, and the page that is made of them."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import msgspec
from benchmarks import page
from benchmarks.figures import Result

ROOT = Path(__file__).resolve().parents[1]
LATEST = ROOT / "build" / "bench.json"
KEPT = ROOT / "docs" / "performance" / "result.json"
PAGE = ROOT / "docs" / "performance.md"
EXPLANATIONS = Path(__file__).with_name("explanations.toml")


def write(result: Result, path: Path) -> None:
    """Write it as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")


def read(path: Path) -> Result:
    """Read it; an empty one where there is no file."""
    return msgspec.json.decode(path.read_bytes(), type=Result) if path.exists() else Result({}, {}, ())


def merged(kept: Result, new: Result) -> Result:
    """Return `kept` with what `new` measured again in its place, and what it measured for the first time behind it."""
    again = {section.name: section for section in new.sections}
    stay = tuple(again.pop(section.name, section) for section in kept.sections)
    return replace(new, sections=(*stay, *again.values()))


def explanations() -> dict[str, str]:
    """Name of a target -> why it is missed."""
    words: dict[str, str] = tomllib.loads(EXPLANATIONS.read_text(encoding="utf-8"))
    return words


def write_page() -> None:
    """
    Write the page and its plots from the kept result.

    Raises:
        ImportError: matplotlib is not installed here.
    """
    from benchmarks import plots  # needs matplotlib, which only `make bench` installs

    result = read(KEPT)
    write(result, KEPT)  # the page leads to it, also before the first measurement
    for section in filter(lambda section: section.compares, result.sections):
        plots.draw(section, KEPT.parent)
    PAGE.write_text(page.render(result, explanations()), encoding="utf-8")
