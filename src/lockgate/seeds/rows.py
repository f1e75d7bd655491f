"""Nouns of rows on their way from a file to a table; what parsers make, dialects load and reports show."""

from __future__ import annotations

from dataclasses import dataclass, field

from lockgate.seeds.spec import TableName


@dataclass(frozen=True)
class Column:
    """
    A column as the catalog tells it.

    Args:
        type: as the server prints it.
        kind: what a value must be turned into, in our words: `text`, `number`, `boolean`, `json` (compared as a value), `bytes`,
            `array`, `other` (sent as text; the server reads it).
        generated: computed by the server; a file must not fill it.
        identity: `always`, `by default` or empty.
        sequence: that feeds it; empty for none.
    """

    name: str
    type: str
    kind: str = "other"
    nullable: bool = True
    generated: bool = False
    identity: str = ""
    sequence: str = ""


@dataclass(frozen=True)
class TableShape:
    """
    A table as the catalog tells it.

    Args:
        primary: columns of the primary key; empty for none.
        unique: columns of every other unique key whose columns are all NOT NULL, partial and expression indexes left out.
        parents: tables that its foreign keys refer to.
    """

    table: TableName
    columns: tuple[Column, ...]
    primary: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    parents: tuple[TableName, ...] = ()

    def column(self, name: str) -> Column | None:
        """Return the column of that name."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True)
class FileRow:
    """
    One row of a file that is not CSV: line (or number of the element) counted from 1, and values by column.

    A missing column is NULL. Values are Python's: str, int, float, bool, None, list, dict, datetime for YAML.
    """

    line: int
    values: dict[str, object]


@dataclass(frozen=True)
class Counts:
    """How a file and a table differ, in rows. `unknown` are rows of the table whose key the file does not have."""

    new: int = 0
    changed: int = 0
    equal: int = 0
    unknown: int = 0

    @property
    def file_rows(self) -> int:
        """Rows of the file."""
        return self.new + self.changed + self.equal


@dataclass(frozen=True)
class RowChange:
    """
    One row of a readable difference.

    Args:
        kind: `new`, `changed` or `unknown`.
        key: the key's values as text, by column.
        cells: column -> (old, new) as text; None for NULL; for `changed` only the columns that differ.
    """

    kind: str
    key: dict[str, str]
    cells: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
