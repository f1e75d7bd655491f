"""What seeding did, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockgate.report.table import Blocks, Table, cell
from lockgate.report.text import duration
from lockgate.seeds.export import ExportOutcome
from lockgate.seeds.outcome import SeedDone, SeedOutcome
from lockgate.seeds.rows import RowChange

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
    for change in done.samples:
        yield f"  {done.name}: {change.kind} {_row(change)}"


def _row(change: RowChange) -> str:
    key = ", ".join(f"{name} = {cell(value)}" for name, value in change.key.items())
    cells = "; ".join(f"{name} {_value(old)} -> {_value(new)}" for name, (old, new) in change.cells.items() if change.kind == "changed")
    return f"{key}: {cells}" if cells else key


def _value(text: str | None) -> str:
    return "NULL" if text is None else f"'{cell(text)}'" if text else "''"
