"""Tables on their way into files that are ready to be seeds: what is left out, what is refused, and how the files are declared."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lockgate.errors import Refused, UsageError
from lockgate.seeds.bans import banned_table
from lockgate.seeds.rows import Column, TableShape
from lockgate.seeds.spec import TableName

FORMATS = ("csv", "jsonl")
_LONGEST_STEM = 100  # characters
_NOT_IN_FILES = re.compile(r"[^\w .+-]")
_NOT_IN_SEEDS = re.compile(r"[^a-z0-9_]+")
_PLAIN = re.compile(r'[^\s".]+')


@dataclass(frozen=True)
class Chosen:
    """
    A table whose rows are to be written.

    Args:
        table: as it is to be named in the settings.
        key: columns that the rows are ordered by, and that a seed compares them by.
        primary: whether that is the primary key, which a seed takes without being told.
        left_out: generated columns; a seed must not fill them.
        sensitive: those of the columns that are sensitive, and were named.
    """

    table: TableName
    shape: TableShape
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    primary: bool = True
    left_out: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class Exported:
    """
    One table and its file.

    Args:
        file: below the project's folder; as given where it lies elsewhere.
        bytes: on disk, packed where it is packed.
    """

    table: str
    file: str
    rows: int
    bytes: int
    columns: tuple[str, ...]
    key: tuple[str, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExportOutcome:
    """
    How one call of `seed-export` ended.

    Args:
        settings: the `[[seeds]]` tables to paste into the settings; empty where all files are seeds already.
    """

    environment: str
    place: str
    format: str
    files: tuple[Exported, ...] = ()
    settings: str = ""
    notices: tuple[str, ...] = ()


def choose(table: TableName, shape: TableShape, wanted: Sequence[str], declared: Mapping[str, str], named: Collection[str]) -> Chosen:
    """
    Choose columns and key of a table.

    Args:
        wanted: columns; empty for all that are not generated.
        declared: sensitive column -> the seed that says so, with its place.
        named: sensitive columns that may be written nevertheless.
    Raises:
        UsageError: `export-invalid`: a table of lockgate's or Alembic's, no such column, a generated one, no key among them.
        Refused: `export-sensitive`.
    """
    if banned := banned_table(shape.table.name, shape.table.schema):
        raise UsageError("export-invalid", f"{banned}, and is no seed", str(shape.table), "name a table of your own")
    for name in wanted:
        _check_wanted(name, shape)
    columns = tuple(column for column in shape.columns if (column.name in wanted if wanted else not column.generated))
    names = [column.name for column in columns]
    for name in names:
        if name in declared and name not in named:
            raise _sensitive(name, shape, declared[name])
    key = next((key for key in (shape.primary, *shape.unique) if key and set(key) <= set(names)), None)
    if key is None:
        raise _without_key(shape, bool(wanted))
    left_out = tuple(column.name for column in shape.columns if column.generated and not wanted)
    marked = tuple(name for name in names if name in declared or name in named)
    return Chosen(TableName(shape.table.name, table.schema), shape, columns, key, key == shape.primary, left_out, marked)


def _check_wanted(name: str, shape: TableShape) -> None:
    column = shape.column(name)
    if column is None:
        columns = ", ".join(column.name for column in shape.columns)
        raise UsageError("export-invalid", f"table `{shape.table}` has no column `{name}`", "--columns", f"its columns are {columns}")
    if column.generated:
        raise UsageError("export-invalid", f"column `{name}` is generated: a seed cannot fill it", "--columns", "leave it out")


def _sensitive(name: str, shape: TableShape, seed: str) -> Refused:
    what = f"refused to seed-export: column `{name}` of table `{shape.table}` is sensitive"
    hint = f"where its values may leave the database, say so: `--sensitive {name}`; otherwise choose other columns with `--columns`"
    return Refused("export-sensitive", what, seed, hint)


def _without_key(shape: TableShape, chosen: bool) -> UsageError:
    if chosen and (key := next((key for key in (shape.primary, *shape.unique) if key), ())):
        return UsageError("export-invalid", f"the key of table `{shape.table}` is not among the columns", "--columns", f"add {', '.join(key)}")
    what = f"table `{shape.table}` has no primary key, and no unique key whose columns are all NOT NULL"
    return UsageError("export-invalid", what, str(shape.table), "make a key in a revision: a seed finds its rows by it")


def file_names(tables: Iterable[TableName], ending: str) -> list[str]:
    """
    Return a file name for each table, safe on every file system and in a pattern; no two differ in capital letters only.

    Args:
        ending: `.csv`, `.jsonl.gz` and the like.
    """
    found: list[str] = []
    for table in tables:
        stem = _NOT_IN_FILES.sub("_", str(table)).strip(". ")[:_LONGEST_STEM] or "table"
        found.append(_free(stem, {name.casefold() for name in found}, ending))
    return [name + ending for name in found]


def _free(stem: str, taken: Collection[str], ending: str = "") -> str:
    return next(name for name in (stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3))) if name.casefold() not in taken)


def settings_text(
    files: Sequence[tuple[Chosen, Exported]], format: str, environment: str, taken: Collection[str], inside: str = "seeds"
) -> str:
    """
    Return the `[[seeds]]` tables that declare the files.

    Args:
        taken: names of seeds that there are already.
        inside: the key of the array: `seeds`, or `tool.lockgate.seeds`.
    """
    names, tables = set(taken), []
    for chosen, file in files:
        name = _free(_NOT_IN_SEEDS.sub("-", str(chosen.table).lower()).strip("-_0123456789")[:50] or "table", names)
        names.add(name)
        lines: dict[str, str | list[str]] = {"name": name, "file": glob.escape(file.file), "table": sql_name(chosen.table), "environments": [environment]}
        # A file without a row does not tell its columns.
        extra = {
            "key": () if chosen.primary else chosen.key,
            "columns": chosen.names if format == "jsonl" and not file.rows else (),
            "sensitive": chosen.sensitive,
        }
        lines.update({key: list(value) for key, value in extra.items() if value})
        tables.append(f"[[{inside}]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in lines.items()))
    return "\n".join(tables)


def _toml(value: str | list[str]) -> str:
    """JSON's texts and lists of them are TOML's, but for one control character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def sql_name(table: TableName) -> str:
    """Return a name as `table_name()` reads it, quoted where it needs it."""
    return ".".join(part if _PLAIN.fullmatch(part) else '"' + part.replace('"', '""') + '"' for part in (table.schema, table.name) if part)
