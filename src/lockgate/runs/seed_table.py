"""One file of rows and its table: what is known of both, and the loading in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lockgate.dialects.base import Dialect
from lockgate.dialects.rows import Stage
from lockgate.errors import Failed, LockgateError, Refused, UsageError
from lockgate.permit import Permit, Session
from lockgate.runs.seed_files import Load
from lockgate.secret import MASK
from lockgate.seeds.convert import cells
from lockgate.seeds.csv_body import checked_csv, diagnose_csv, locate_row
from lockgate.seeds.csv_head import read_head
from lockgate.seeds.decoding import lines_of, text_of, utf8_of
from lockgate.seeds.diff import Move, judge
from lockgate.seeds.order import ordered
from lockgate.seeds.outcome import Loading, Watch
from lockgate.seeds.parse import line_of_row, read_rows
from lockgate.seeds.rows import Column, Counts, RowChange, TableShape
from lockgate.seeds.spec import Seed, UnknownRows

_KINDS = ("new", "changed", "unknown")


@dataclass(frozen=True)
class Wanted:
    """A file whose table is known, with the columns it fills and the key that its rows are compared by."""

    load: Load
    shape: TableShape
    columns: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def filled(self) -> tuple[Column, ...]:
        """The columns as the catalog tells them."""
        return tuple(column for name in self.columns if (column := self.shape.column(name)) is not None)


@dataclass(frozen=True)
class Loaded:
    """What one transaction did, before it is committed."""

    counts: Counts
    deleted: int = 0
    samples: tuple[RowChange, ...] = ()


def wanted(session: Session, dialect: Dialect, load: Load) -> Wanted:
    """
    Hold a file against its table, before anything is written.

    Raises:
        UsageError: `seed-invalid`: no such table, no usable key, a column that is not there or is generated; `seed-file`.
    """
    shape = dialect.rows().shape(session, load.table)
    if shape is None:
        raise _invalid(load, f"there is no table `{load.table}`", "upgrade first, or name the table: `table = …`")
    columns = load.seed.columns or _columns(load)
    for name in columns:
        column = shape.column(name)
        if column is None:
            raise _invalid(
                load, f"table `{shape.table}` has no column `{name}`", f"its columns are {', '.join(c.name for c in shape.columns)}"
            )
        if column.generated:
            raise _invalid(load, f"column `{name}` is generated: the server computes it", "take it out of the file")
    return Wanted(load, shape, columns, _key(load, shape, columns))


def in_order(found: Sequence[Wanted], others: Sequence[Load]) -> tuple[Seed, ...]:
    """Put the seeds into the order of their foreign keys and of `depends_on`."""
    parents = {item.shape.table: item.shape.parents for item in found}
    tables: dict[str, tuple[object, ...]] = {}
    for item in found:
        tables[item.load.seed.name] = (*tables.get(item.load.seed.name, ()), item.shape.table)
    seeds = dict.fromkeys([*(item.load.seed for item in found), *(load.seed for load in others)])
    return ordered(tuple(seeds), parents, tables)  # type: ignore[arg-type]


def table_print(session: Session, dialect: Dialect, item: Wanted) -> dict[str, str]:
    """Fingerprint the columns of the table that the file fills."""
    columns = sorted({*item.columns, *item.key})
    return {str(item.shape.table): dialect.rows().fingerprint(session, item.shape, columns)}


def load_table(permit: Permit, dialect: Dialect, item: Wanted, dry_run: bool, samples: int, watch: Watch) -> Loaded:
    """
    Bring the table to what the file says, in the open transaction.

    Raises:
        UsageError: `seed-file`, with file and line.
        Refused: `seed-unknown-rows`.
        Failed: `seed-failed`, where the database refuses a row for another reason than its form.
    """
    rows = dialect.rows()
    orphans = rows.orphans(permit.session, item.shape)
    try:
        if not dry_run and rows.is_empty(permit.session, item.shape):
            loaded = Loaded(Counts(new=_copy(permit, dialect, item, watch)))
        else:
            loaded = _compared(_stage(permit, dialect, item, watch), item, dry_run, samples)
        if rows.orphans(permit.session, item.shape) > orphans:
            raise _without_parent(item, "a row refers to a row of another table that is not there")
        return loaded
    except LockgateError:
        raise
    except Exception as error:
        raise _explained(error, permit, dialect, item) from error


def _compared(stage: Stage, item: Wanted, dry_run: bool, samples: int) -> Loaded:
    seed = item.load.seed
    _refuse_duplicates(stage, item)
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
    deleted = 0
    if move.move is Move.WRITE and not dry_run:
        deleted = stage.write(seed.on_change, seed.unknown_rows is UnknownRows.DELETE)
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


def _columns(load: Load) -> tuple[str, ...]:
    if load.format == "csv":
        return read_head(utf8_of(load.file.blocks(), load.seed.encoding, load.file.name), load.file.name)[0].columns
    columns, _ = read_rows(load.format, load.file.blocks(), (), load.seed.encoding, load.file.name)
    if not columns:
        raise _invalid(load, f"`{load.file.name}` has no rows that would tell its columns", "name them: `columns = […]`")
    return columns


def _key(load: Load, shape: TableShape, columns: tuple[str, ...]) -> tuple[str, ...]:
    # An identity column that the file leaves out cannot tell which row is which; a natural key of the table can.
    inside = [key for key in (shape.primary, *shape.unique) if key and set(key) <= set(columns)]
    key = load.seed.key or (inside[0] if inside else ())
    if not key:
        raise _invalid(load, f"no primary or unique key of table `{shape.table}` is among the file's columns", "name one: `key = […]`")
    missing = [name for name in key if name not in columns]
    if missing:
        raise _invalid(load, f"the key's column `{missing[0]}` is not among the file's columns", "add it to the file")
    if set(key) not in [set(known) for known in (shape.primary, *shape.unique)]:
        raise _invalid(
            load,
            f"`{', '.join(key)}` is no primary or unique key of table `{shape.table}`",
            "make it unique in a revision, or name another key",
        )
    return tuple(key)


def _refuse_duplicates(stage: Stage, item: Wanted) -> None:
    twice = stage.duplicates()
    if twice is None:
        return
    key, numbers = twice
    lines = [_line(item, number) for number in numbers[:2]]
    shown = ", ".join(f"{name} = {MASK if name in item.load.seed.sensitive else value}" for name, value in key.items())
    name = item.load.file.name
    raise UsageError(
        "seed-file", f"the key {shown} stands twice, in lines {lines[0]} and {lines[-1]}", f"{name}:{lines[-1]}", "take one of them out"
    )


def _line(item: Wanted, number: int) -> int:
    load = item.load
    if load.format == "csv":
        return locate_row(lines_of(text_of(load.file.blocks(), load.seed.encoding, load.file.name)), number)
    _, rows = read_rows(load.format, load.file.blocks(), item.columns, load.seed.encoding, load.file.name)
    return line_of_row(rows, number)


def _explained(error: Exception, permit: Permit, dialect: Dialect, item: Wanted) -> LockgateError | Exception:
    load = item.load
    bad = dialect.rows().bad_value(error)
    facts = dialect.facts(error)
    permit.session.rollback()
    if twice := _duplicates(permit, dialect, item):
        return twice
    if load.format == "csv":
        shape = diagnose_csv(lines_of(text_of(load.file.blocks(), load.seed.encoding, load.file.name)), len(item.columns), load.file.name)
        if shape is not None:
            return shape
    if bad is not None:
        number, column, message = bad
        message = "a value does not fit" if column in load.seed.sensitive else message
        what = f"{message} (column `{column}`)" if column else message
        # The server counts the lines of a CSV's body; every other format is counted in rows.
        line = number + _head_lines(load) if load.format == "csv" else _line(item, number)
        return UsageError("seed-file", what, f"{load.file.name}:{line}", "correct the value in the file")
    return error if facts is None else _without_parent(item, facts.message)


def _without_parent(item: Wanted, reason: str) -> Failed:
    hint = "mend the file, or load the seed that has the missing rows first"
    return Failed("seed-failed", f"the database refused a row of `{item.load.file.name}`: {reason}", f"table `{item.shape.table}`", hint)


def _duplicates(permit: Permit, dialect: Dialect, item: Wanted) -> LockgateError | None:
    """A file that went straight into an empty table was not compared: look for a key that stands twice."""
    try:
        _refuse_duplicates(_stage(permit, dialect, item, lambda loading: None), item)
    except UsageError as error:
        return error if "stands twice" in error.what else None
    except Exception as error:
        if dialect.facts(error) is None and dialect.rows().bad_value(error) is None:
            raise
    finally:
        permit.session.rollback()
    return None


def _masked(change: RowChange, seed: Seed) -> RowChange:
    key = {name: MASK if name in seed.sensitive else value for name, value in change.key.items()}
    cells = {name: (MASK, MASK) if name in seed.sensitive else values for name, values in change.cells.items()}
    return RowChange(change.kind, key, cells)


def _head_lines(load: Load) -> int:
    return read_head(utf8_of(load.file.blocks(), load.seed.encoding, load.file.name), load.file.name)[0].lines


def _invalid(load: Load, what: str, hint: str) -> UsageError:
    return UsageError("seed-invalid", what, f"seed `{load.seed.name}` ({load.seed.where})", hint)
