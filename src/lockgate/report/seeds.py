"""What seeding did, as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lockgate.report.table import Blocks, Table, cell
from lockgate.report.text import duration
from lockgate.secret import MASK, redact
from lockgate.seeds.export import ExportOutcome
from lockgate.seeds.outcome import SeedDone, SeedOutcome
from lockgate.seeds.rows import RowChange

_LINE = 98  # characters of a line that tells a whole row
_SHOWN, _BEFORE = 36, 10  # characters of a value, and those of them before the first difference
_COLUMNS = ("seed", "file", "table", "new", "changed", "equal", "unknown", "deleted", "result", "took")


def seeded(outcome: SeedOutcome) -> Blocks:
    """Return a row per file and, for a dry run, the first differences."""
    if not outcome.done:
        return (f"nothing to do: no seed belongs into `{outcome.environment}`",)
    head = f"seeded `{outcome.environment}` ({cell(outcome.place)})"
    if outcome.dry_run:
        head = f"seeds of `{outcome.environment}` ({cell(outcome.place)}), dry run: nothing was written"
    elif not outcome.wrote:
        head = f"nothing to do: the seeds of `{outcome.environment}` ({cell(outcome.place)}) are in place"
    return (head, table_of(outcome.done), *(line for done in outcome.done for line in _differences(done)))


def exported(outcome: ExportOutcome) -> Blocks:
    """Return a row per file, what is to be known of them, and the settings that make seeds of them."""
    head = f"exported `{outcome.environment}` ({cell(outcome.place)}), all tables at one moment"
    rows = tuple(tuple(map(cell, (file.table, file.file, file.rows, file.bytes))) for file in outcome.files)
    notes = [f"note: {notice}" for notice in outcome.notices]
    pasted = [f"\nto make seeds of them, paste this into the settings:\n\n{outcome.settings}"] if outcome.settings else []
    return (head, Table(("table", "file", "rows", "bytes"), rows), *notes, *pasted)


def table_of(seeds: Sequence[SeedDone]) -> Table:
    """Return a row per file."""
    return Table(_COLUMNS, tuple(_cells(done) for done in seeds))


def _cells(done: SeedDone) -> tuple[str, ...]:
    counts = done.counts
    numbers = (counts.new, counts.changed, counts.equal, counts.unknown) if counts else ("-",) * 4
    values = (done.name, done.file, done.table, *numbers, done.deleted, done.how, duration(done.duration_ms))
    return tuple(cell(value) for value in values)


def _differences(done: SeedDone) -> Iterator[str]:
    """The first rows of each kind, and how many more there are."""
    if not done.samples or done.counts is None:
        return
    yield ""
    yield f"{cell(done.file)} -> {cell(done.table)}"
    for kind, count in (("new", done.counts.new), ("changed", done.counts.changed), ("unknown", done.counts.unknown)):
        shown = [change for change in done.samples if change.kind == kind]
        for change in shown:
            yield from _row(change)
        if len(shown) < count:
            yield f"  {kind}: {count - len(shown):,} more"


def _row(change: RowChange) -> Iterator[str]:
    key = ", ".join(f"{name} = {_cut(cell(value), 0)}" for name, value in change.key.items())
    if change.kind == "changed":
        yield f"  changed: {key}"
        for name, (old, new) in change.cells.items():
            yield f"    {name} {_pair(old, new)}"
        return
    side = change.kind == "new"
    others = "; ".join(f"{name} {_value(pair[side])}" for name, pair in change.cells.items() if name not in change.key)
    line = f"  {change.kind}: {key}" + (f": {others}" if others else "")
    yield line if len(line) <= _LINE else line[: _LINE - 1] + "…"


def _pair(old: str | None, new: str | None) -> str:
    # White space is not shown as it is, but here it may be all that differs.
    shown = cell if None in (old, new) or cell(old) != cell(new) or old == new else _escaped
    at = _first_difference(shown(old), shown(new))
    return " -> ".join(_value(text, at, shown) for text in (old, new))


def _escaped(text: object) -> str:
    return redact(repr(text))[1:-1]


def _first_difference(old: str, new: str) -> int:
    return next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), min(len(old), len(new)))


def _value(text: str | None, at: int = 0, shown: Callable[[object], str] = cell) -> str:
    if text is None or text == MASK:
        return text or "NULL"
    return f"'{_cut(shown(text) if text else '', at)}'"


def _cut(text: str, at: int) -> str:
    """A long text around the place `at`."""
    if len(text) <= _SHOWN:
        return text
    start = max(0, min(at - _BEFORE, len(text) - _SHOWN))
    return ("…" if start else "") + text[start : start + _SHOWN] + ("…" if start + _SHOWN < len(text) else "")
