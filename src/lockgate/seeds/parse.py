"""Text of a seed's file -> its columns and rows, whatever its format; nothing is opened here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from lockgate.errors import UsageError
from lockgate.seeds.decoding import text_of
from lockgate.seeds.json_rows import json_array, json_lines
from lockgate.seeds.rows import FileRow
from lockgate.seeds.yaml_rows import yaml_rows

_READERS = {"jsonl": json_lines, "json": json_array, "yaml": yaml_rows}


def read_rows(
    format: str, blocks: Iterable[bytes], columns: Sequence[str] = (), encoding: str = "utf-8", where: str = ""
) -> tuple[tuple[str, ...], Iterator[FileRow]]:
    """
    Read a file of rows that is not CSV.

    Args:
        format: `jsonl`, `json` or `yaml`; see `format_of()`.
        blocks: the file from its beginning, unpacked, cut anywhere; read as the rows are.
        columns: of the seed; empty for the keys of the first row.
        where: the file's path, for errors.
    Returns:
        The columns in order, empty for a file without rows whose seed names none, and the rows. A key that a row does not have
        is NULL.
    Raises:
        UsageError: `seed-file` with file and line, here for the first row, later while rows are taken; `extra-missing`;
            `seed-invalid` for a format that has no rows.
    """
    if format not in _READERS:
        raise UsageError("seed-invalid", f"`{format}` is no format of rows without a header", where, f"known are {', '.join(_READERS)}")
    rows = _READERS[format](text_of(blocks, encoding, where), columns, where)
    first = next(rows, None)
    if first is None:
        return tuple(columns), iter(())
    return tuple(columns) or tuple(first.values), chain([first], rows)


def line_of_row(rows: Iterable[FileRow], number: int) -> int:
    """Return the line of row `number` (from 1) of a file that is read once more; 0 where there is none."""
    return next((row.line for row in islice(rows, number - 1, number)), 0)
