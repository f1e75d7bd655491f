"""One file of rows on its way into its table, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from lockgate.dialects.base import Dialect
from lockgate.dialects.rows import Stage
from lockgate.errors import LockgateError, Refused
from lockgate.permit import Permit
from lockgate.runs.seed_faults import explained, orphaned, refuse_duplicates
from lockgate.runs.seed_files import Load
from lockgate.runs.seed_wanted import Wanted
from lockgate.secret import MASK
from lockgate.seeds.convert import cells
from lockgate.seeds.csv_body import checked_csv
from lockgate.seeds.diff import Move, judge
from lockgate.seeds.outcome import Loading, Watch
from lockgate.seeds.parse import read_rows
from lockgate.seeds.rows import Counts, RowChange
from lockgate.seeds.spec import Seed, UnknownRows

_KINDS = ("new", "changed", "unknown")


@dataclass(frozen=True)
class Loaded:
    """What one transaction did, before it is committed."""

    counts: Counts
    deleted: int = 0
    samples: tuple[RowChange, ...] = ()


def load_table(permit: Permit, dialect: Dialect, item: Wanted, dry_run: bool, samples: int, watch: Watch) -> Loaded:
    """
    Bring the table to what the file says, in the open transaction.

    Raises:
        UsageError: `seed-file`, with file and line.
        Refused: `seed-unknown-rows`.
        Failed: `seed-failed`, where the database refuses a row for another reason than its form.
    """
    rows = dialect.rows()
    closer = partial(_stage, permit, dialect, item, lambda loading: None)
    orphans = rows.orphans(permit.session, item.shape)
    try:
        if not dry_run and rows.is_empty(permit.session, item.shape):
            loaded = Loaded(Counts(new=_copy(permit, dialect, item, watch)))
        else:
            loaded = _compared(_stage(permit, dialect, item, watch), item, dry_run, samples)
        rows.settle(permit.session)
        if rows.orphans(permit.session, item.shape) > orphans:
            raise orphaned(permit, dialect, item, closer)
        return loaded
    except LockgateError:
        raise
    except Exception as error:
        raise explained(error, permit, dialect, item, closer) from error


def _compared(stage: Stage, item: Wanted, dry_run: bool, samples: int) -> Loaded:
    seed = item.load.seed
    refuse_duplicates(stage, item)
    counts = stage.compare()
    move = judge(counts, seed)
    shown = tuple(_masked(change, seed) for kind in _KINDS for change in stage.sample(kind, samples)) if dry_run else ()
    if move.move is Move.REFUSE:
        raise Refused(
            move.code,
            move.reason,
            f"{item.load.file.name}, table `{item.shape.table}`",
            'add them to the file, or say `unknown_rows = "keep"`',
        )
    deletes, deleted = seed.unknown_rows is UnknownRows.DELETE, 0
    if move.move is Move.WRITE:
        deleted = counts.unknown * deletes if dry_run else stage.write(seed.on_change, deletes)
    return Loaded(counts, deleted, shown)


def _copy(permit: Permit, dialect: Dialect, item: Wanted, watch: Watch) -> int:
    rows, seed = dialect.rows(), item.load.seed
    if item.load.format == "csv":
        return rows.load_csv(permit, item.shape, item.columns, _body(item, watch), seed.null)
    return rows.load_rows(permit, item.shape, item.columns, _values(item, watch))


def _stage(permit: Permit, dialect: Dialect, item: Wanted, watch: Watch) -> Stage:
    rows, seed = dialect.rows(), item.load.seed
    if item.load.format == "csv":
        return rows.stage_csv(permit, item.shape, item.columns, item.key, _body(item, watch), seed.null)
    return rows.stage_rows(permit, item.shape, item.columns, item.key, _values(item, watch))


def _body(item: Wanted, watch: Watch) -> Iterator[bytes]:
    meter = _Meter(item.load, watch)
    for block in checked_csv(meter.blocks(), len(item.columns), item.load.seed.encoding, item.load.file.name):
        meter.rows += block.count(b"\n")  # a few too many where fields hold line breaks: it is for the eye
        yield block


def _values(item: Wanted, watch: Watch) -> Iterator[list[object]]:
    seed, name, meter = item.load.seed, item.load.file.name, _Meter(item.load, watch)
    _, rows = read_rows(item.load.format, meter.blocks(), item.columns, seed.encoding, name)
    for row in rows:
        meter.rows += 1
        yield cells(row, item.filled, name, seed.sensitive)


class _Meter:
    """Tells how far a file has been read, block by block."""

    def __init__(self, load: Load, watch: Watch) -> None:
        self.rows = 0
        self._load, self._watch = load, watch

    def blocks(self) -> Iterable[bytes]:
        return self._load.file.blocks(self._told)

    def _told(self, read: int) -> None:
        self._watch(Loading(self._load.seed.name, read, self._load.file.size, self.rows))


def _masked(change: RowChange, seed: Seed) -> RowChange:
    key = {name: MASK if name in seed.sensitive else value for name, value in change.key.items()}
    cells = {name: (MASK, MASK) if name in seed.sensitive else values for name, values in change.cells.items()}
    return RowChange(change.kind, key, cells)
