"""What a seed promises: these rows, by this key, are in this table, in these environments."""

from __future__ import annotations

import enum
import re
from pathlib import PurePosixPath

from lockgate.errors import UsageError
from lockgate.records import dataclass

# Longest first: `.csv.gz` is a CSV.
FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".yaml": "yaml", ".yml": "yaml", ".sql": "sql"}


class UnknownRows(str, enum.Enum):
    """What happens to rows of the table whose key the file does not have."""

    KEEP = "keep"
    REFUSE = "refuse"
    DELETE = "delete"


class OnChange(str, enum.Enum):
    """What happens to rows that the file has with other values."""

    UPDATE = "update"
    INSERT_ONLY = "insert-only"


@dataclass(frozen=True)
class Seed:
    """
    One `[[seeds]]` table, every default filled in.

    Args:
        file: path or glob below the project's folder.
        environments: those it may be loaded into; never empty.
        table: as written, `table` or `schema.table`, parts quoted where they need it; empty for the stem of each file.
        key: columns; empty for the primary key, or else the only unique key.
        columns: those the file fills, in its order; empty for those that its header names.
        null: the text that means NULL; None for the format's own (CSV: an empty field without quotes; JSON and YAML: null).
        depends_on: names of seeds that must come first; foreign keys are found without it.
        destructive: a SQL seed that may delete, truncate, alter or drop.
        sensitive: columns whose values are masked wherever rows are shown.
        where: `lockgate.toml:40`.
    """

    name: str
    file: str
    environments: tuple[str, ...]
    table: str = ""
    key: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    null: str | None = None
    encoding: str = "utf-8"
    unknown_rows: UnknownRows = UnknownRows.KEEP
    on_change: OnChange = OnChange.UPDATE
    depends_on: tuple[str, ...] = ()
    destructive: bool = False
    sensitive: tuple[str, ...] = ()
    where: str = ""

    @property
    def deletes(self) -> bool:
        """Whether loading it may lose rows, so that the guard asks for a confirmation."""
        return self.destructive or self.unknown_rows is UnknownRows.DELETE


@dataclass(frozen=True)
class TableName:
    """A table's name without quotes; `schema` is empty for the session's default."""

    name: str
    schema: str = ""

    def __str__(self) -> str:
        """Return the name as `table_name()` reads it."""
        return ".".join(_written(part) for part in (self.schema, self.name) if part)


def _written(part: str) -> str:
    return part if _PLAIN.fullmatch(part) else '"' + part.replace('"', '""') + '"'


_PLAIN = re.compile(r'[^\s".]+')
_PART = r'(?:"((?:[^"]|"")+)"|([^\s".]+))'
_TABLE = re.compile(rf"{_PART}(?:\.{_PART})?")


def table_name(text: str, where: str = "") -> TableName:
    """
    Read `table`, `schema.table`, `"Table"`, `"schema"."a table"`; letters of any script may stand without quotes.

    An unquoted name is taken as it is written: what looks lower-case stays so, and capital letters are kept.

    Raises:
        UsageError: `seed-invalid`.
    """
    found = _TABLE.fullmatch(text.strip())
    if not found:
        raise UsageError("seed-invalid", f"`{text}` is no name of a table", where, 'write `table`, `schema.table` or `"a strange name"`')
    first, second = (found[1] or found[2]), (found[3] or found[4] or "")
    first, second = first.replace('""', '"'), second.replace('""', '"')
    return TableName(second, first) if second else TableName(first)


def format_of(path: str, where: str = "") -> str:
    """
    Return `csv`, `jsonl`, `json`, `yaml` or `sql` for a path, `.gz` or not.

    Raises:
        UsageError: `seed-invalid` for any other ending.
    """
    name = PurePosixPath(path).name.lower().removesuffix(".gz")
    for ending, kind in FORMATS.items():
        if name.endswith(ending):
            return kind
    raise UsageError(
        "seed-invalid", f"`{path}` has no ending that says its format", where, f"known are {', '.join(FORMATS)}, each also with .gz"
    )


def stem_of(path: str) -> str:
    """Return the file's name without its format and `.gz`: the default name of the table."""
    name = PurePosixPath(path).name
    name = name[: -len(".gz")] if name.lower().endswith(".gz") else name
    return name.rpartition(".")[0] or name
