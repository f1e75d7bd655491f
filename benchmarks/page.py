"""A result as a page in Markdown: multiples, never times. Pure: text in, text out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from benchmarks.figures import Result, Section, Spread, ratio
from benchmarks.targets import TARGETS, Judged, Target, judge

_WITH_MEMORY = ("noop", "noop-sqlite", "seeds", "seeds-sqlite")
_HEAD = """\
# Performance

Written by `make bench`; do not edit. Words about missed targets are in `benchmarks/explanations.toml`, every single run is in
[performance/result.json](performance/result.json).

How it is measured: contenders take turns, A B C A B C, so that other work on the machine disturbs all alike; their first round is not counted where
not said otherwise. Shown are medians, and in brackets where half of the runs lie (with fewer than four: the least and the most). Everything is a
multiple of a reference that ran in the same turns, because times belong to one machine and ratios travel. The whole command is timed, with its
start and its end; CPU time is the command's own, without the database server's. PostgreSQL is a throw-away server with its default settings
(`fsync` on), reached by a Unix socket. All tools do the same work: of ten revisions four make a table of six columns, three add a column, three an
index. Alembic and the other tools are installed without lockgate, so that its plugin does not slow them down.
"""
_NOT_MEASURED = "not measured"
_NO_WORDS = "There are no words about it yet."


def render(result: Result, explanations: Mapping[str, str]) -> str:
    """
    Return the page.

    Args:
        explanations: name of a target -> why it is missed, in Markdown.
    """
    judged = judge(result)
    parts = [_HEAD, "## Targets\n", _targets(judged), _missed(judged, explanations)]
    parts += [_section(section) for section in result.sections]
    parts += ["## Machine and versions\n", _facts(result)]
    return "\n".join(part for part in parts if part)


def _targets(judged: Sequence[Judged]) -> str:
    rows = [(each.target.work, each.target.against, _aim(each.target), each.shown or _NOT_MEASURED, _verdict(each)) for each in judged]
    return _table(("work", "against", "target", "measured", ""), rows)


def _aim(target: Target) -> str:
    if target.kind == "ratio":
        return f"≤ {target.most:g} x"
    return f"≤ {target.most:g} MiB" if target.kind == "memory" else f"at most {target.most:g} ms more"


def _verdict(judged: Judged) -> str:
    return {True: "hit", False: "**missed**", None: ""}[judged.hit]


def _missed(judged: Sequence[Judged], explanations: Mapping[str, str]) -> str:
    missed = [each.target for each in judged if each.hit is False]
    if not missed:
        return ""
    lines = [f"- {target.work}: {explanations.get(target.name, _NO_WORDS).strip()}" for target in missed]
    return "### Missed, and what limits it\n\n" + "\n".join(lines) + "\n"


def _section(section: Section) -> str:
    parts = [f"## {section.title}\n", section.about.strip() + "\n"]
    parts += [f"![{section.title}](performance/{section.name}.svg)\n", tables(section)] if section.compares else []
    notes = [f"Rounds: {section.rounds}."] if section.rounds else []
    notes += [*section.notes, *_failures(section), f"Load average at the start: {section.load:.1f}."]
    return "\n".join([*parts, " ".join(notes) + "\n"])


def _failures(section: Section) -> list[str]:
    failed = dict.fromkeys(series.contender for series in section.series if series.error)
    return [f"{name} failed." for name in failed]


def tables(section: Section) -> str:
    """Return the tables of one measurement: by the clock, by CPU time, and memory where it is worth a look."""
    limit = f"`{section.reference}`" + (f" ({section.unit}: {section.reference_size:,})" if section.reference_size else "")
    parts = [f"Multiples of {limit}:\n", _by(section, lambda name, size: _shown(ratio(section, name, size)))]
    if any(ratio(section, name, size, "cpu") for name in section.contenders for size in section.sizes):
        parts += ["CPU time, likewise:\n", _by(section, lambda name, size: _shown(ratio(section, name, size, "cpu")))]
    if section.name in _WITH_MEMORY:
        parts += ["Peak memory, MiB:\n", _by(section, lambda name, size: _memory(section, name, size))]
    return "\n".join(parts)


def _by(section: Section, cell: Callable[[str, int], str]) -> str:
    """One row for each contender, one column for each size."""
    sizes = section.sizes
    heads = [f"{size:,}" if size else "" for size in sizes]
    rows = [(name, *(cell(name, size) for size in sizes)) for name in section.contenders]
    return _table((section.unit, *heads), [row for row in rows if any(row[1:])], "---:")


def _shown(found: Spread | None) -> str:
    if found is None:
        return ""
    middle, low, high = map(_number, (found.median, found.low, found.high))
    return middle if low == high else f"{middle} ({low} to {high})"


def _number(value: float) -> str:
    """Three digits, and never an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _memory(section: Section, name: str, size: int) -> str:
    peaks = [sample.peak_mib for sample in section.samples(name, size) if sample.peak_mib]
    return f"{max(peaks):.0f}" if peaks else ""


def _facts(result: Result) -> str:
    facts = [(name, value) for name, value in [*result.machine.items(), *result.versions.items()]]
    return _table(("", ""), facts) if facts else "Nothing was measured yet.\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], rule: str = "---") -> str:
    """`rule`: the rule under every head but the first, `---:` for numbers."""
    lines = [heads, ["---", *(rule for _ in heads[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def unknown(explanations: Mapping[str, str]) -> list[str]:
    """Return names among the explanations that no target has."""
    return sorted(set(explanations) - {target.name for target in TARGETS})
