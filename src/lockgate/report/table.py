"""A table as plain values, and its drawing in plain characters; a terminal may draw the same values in its own way."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from lockgate.records import dataclass
from lockgate.secret import redact

_GAP = "  "


@dataclass(frozen=True)
class Table:
    """
    A table for people.

    Args:
        columns: the headings.
        rows: cells as text, one tuple per row, as long as `columns`; made with `cell()`.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def plain(self) -> str:
        """Return the table as aligned lines without trailing blanks, the headings first."""
        lines = (self.columns, *self.rows)
        widths = [max(width(line[column]) for line in lines) for column in range(len(self.columns))]
        return "\n".join(_GAP.join(_pad(text, wide) for text, wide in zip(line, widths, strict=True)).rstrip() for line in lines)


Block = str | Table
Blocks = tuple[Block, ...]


def plain(blocks: Sequence[Block]) -> str:
    """Return a whole report as text for a pipe."""
    return "\n".join(block if isinstance(block, str) else block.plain() for block in blocks)


def cell(text: object) -> str:
    """
    Return a value as one line of printable text.

    Redacted here and not only on the way out: a mask that comes after the alignment would shift the columns.
    """
    return " ".join(redact(str(text)).split()) or "-"


def width(text: str) -> int:
    """Return the number of terminal columns that `text` takes: 2 for wide characters, 0 for combining ones."""
    return sum(0 if unicodedata.combining(ch) else 2 if unicodedata.east_asian_width(ch) in "WF" else 1 for ch in text)


def _pad(text: str, wide: int) -> str:
    return text + " " * (wide - width(text))
