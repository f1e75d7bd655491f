"""A file of rows held against its table: which columns it fills, by which key its rows are compared, in which order files go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lockgate.dialects.base import Dialect
from lockgate.errors import UsageError
from lockgate.permit import Session
from lockgate.runs.seed_files import Load
from lockgate.seeds.csv_head import read_head
from lockgate.seeds.decoding import utf8_of
from lockgate.seeds.order import ordered
from lockgate.seeds.parse import read_rows
from lockgate.seeds.rows import Column, TableShape
from lockgate.seeds.spec import Seed, TableName


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


def wanted(session: Session, dialect: Dialect, load: Load) -> Wanted:
    """
    Hold a file against its table, before anything is written.

    Raises:
        UsageError: `seed-invalid`: no such table, no usable key, a column that is not there or is generated; `seed-file`.
    """
    refuse_ambiguous(session, dialect, load, load.table)
    shape = dialect.rows().shape(session, load.table)
    if shape is None:
        raise _invalid(load, f"there is no table `{load.table}`", "upgrade first, or name the table: `table = …`")
    columns = _columns(load)
    for name in columns:
        column = shape.column(name)
        if column is None:
            raise _invalid(
                load, f"table `{shape.table}` has no column `{name}`", f"its columns are {', '.join(c.name for c in shape.columns)}"
            )
        if column.generated:
            raise _invalid(load, f"column `{name}` is generated: the server computes it", "take it out of the file")
    return Wanted(load, shape, columns, _key(load, shape, columns))


def refuse_ambiguous(session: Session, dialect: Dialect, load: Load, table: TableName) -> None:
    """
    Refuse a name that means another table as soon as somebody makes one of that name in an earlier schema of the search_path.

    Raises:
        UsageError: `seed-invalid`.
    """
    found = dialect.rows().namesakes(session, table)
    if len(found) > 1:
        names = " and ".join(f"`{name}`" for name in found)
        raise _invalid(load, f"`{table}` could be {names}: the search_path leads to all of them", f"write which one: `{found[-1]}`")


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


def _columns(load: Load) -> tuple[str, ...]:
    said = load.seed.columns
    if load.format == "csv":
        return _header(load, said)
    if said:
        return said
    columns, _ = read_rows(load.format, load.file.blocks(), (), load.seed.encoding, load.file.name)
    if not columns:
        raise _invalid(load, f"`{load.file.name}` has no rows that would tell its columns", "name them: `columns = […]`")
    return columns


def _header(load: Load, said: tuple[str, ...]) -> tuple[str, ...]:
    """The names in a CSV's first line, in its order; `columns` may say that these and no others are expected."""
    name = load.file.name
    columns = read_head(utf8_of(load.file.blocks(), load.seed.encoding, name), name)[0].columns
    if said and set(columns) != set(said):
        odd = sorted(set(columns) ^ set(said))[0]
        what = f"the header has `{odd}`, which `columns` does not name" if odd in columns else f"the header lacks `{odd}` of `columns`"
        raise UsageError("seed-file", what, f"{name}:1", f"make header and `columns` of seed `{load.seed.name}` ({load.seed.where}) name the same")
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


def _invalid(load: Load, what: str, hint: str) -> UsageError:
    return UsageError("seed-invalid", what, f"{load.file.name}, seed `{load.seed.name}` ({load.seed.where})", hint)
