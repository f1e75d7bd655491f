"""
The rows of a CSV: a cheap pass on their way to the database, a slow one over the file when the database objects.

Fields and quotes are counted the way COPY reads them: a quote opens or closes wherever it stands, a doubled one does both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lockgate.errors import UsageError
from lockgate.seeds.csv_head import read_head
from lockgate.seeds.decoding import utf8_of

_END_MARK = re.compile(rb"[\r\n]\\\.[\r\n]")
_MARK_HINT = "PostgreSQL before 18 takes it for the end of the data; put it into quotes, or use JSON Lines"


def checked_csv(blocks: Iterable[bytes], width: int, encoding: str = "utf-8", where: str = "") -> Iterator[bytes]:
    """
    Hand on the body of a CSV as UTF-8, header and byte order mark excluded.

    Fields are not counted here: the database does that anyway, and a million rows must not wait for Python. When it objects,
    `diagnose_csv()` finds the line.

    Args:
        blocks: the file from its beginning, cut anywhere.
        width: number of columns that its header must have.
        where: the file's path, for errors.
    Raises:
        UsageError: `seed-file`, with file and line: wrong encoding, wrong header, a line `\\.`.
    """
    head, body = read_head(utf8_of(blocks, encoding, where), where)
    if len(head.columns) != width:
        raise _wrong(f"the header has {_fields(len(head.columns))}, not {width}", where, 1, "the file changed while it was read")
    yield from without_end_mark(body, head.lines + 1, where)


def without_end_mark(body: Iterable[bytes], line: int = 2, where: str = "") -> Iterator[bytes]:
    """
    Hand on a CSV's body unchanged, refusing a line `\\.`, behind which rows would be lost without a word.

    Args:
        line: of the file, at which the body begins.
    Raises:
        UsageError: `seed-file`.
    """
    tail = b"\n"  # the last bytes of the block before: the mark may lie across a cut
    for block in body:
        if b"\\." in block or b"\\" in tail:
            _refuse_mark(tail, block, line, where)
        yield block
        line += block.count(b"\n")
        tail = (tail + block[-3:])[-3:]
    if tail[:1] in (b"\r", b"\n") and tail[1:] == b"\\.":
        raise _wrong("the last line is only `\\.`", where, line, _MARK_HINT)


def _refuse_mark(tail: bytes, block: bytes, line: int, where: str) -> None:
    joined = tail + block
    if found := _END_MARK.search(joined):
        line += joined.count(b"\n", 0, found.start() + 1) - tail.count(b"\n")
        raise _wrong("a line is only `\\.`", where, line, _MARK_HINT)


@dataclass(frozen=True)
class Record:
    """
    One record of a CSV.

    Args:
        number: 0 for the header, then rows from 1.
        line: where it begins in the file, from 1; `last_line`: where it ends.
        fields: how many it has; 0 for an empty line.
        closed: whether its quotes are.
    """

    number: int
    line: int
    last_line: int
    fields: int
    closed: bool = True


def records(lines: Iterable[str]) -> Iterator[Record]:
    """
    Count the fields of every record, header included.

    Args:
        lines: of the whole file, from its first (`lines_of()`).
    """
    number = start = line = fields = 0
    quoted = False
    for line, text in enumerate(lines, 1):
        if not quoted:
            start, fields = line, 1 if text.rstrip("\r\n") else 0
        for index, part in enumerate(text.split('"')):
            quoted = quoted if index == 0 else not quoted
            fields += 0 if quoted else part.count(",")
        if not quoted:
            yield Record(number, start, line, fields)
            number += 1
    if quoted:
        yield Record(number, start, line, fields, closed=False)


def locate_row(lines: Iterable[str], number: int) -> int:
    """
    Return the line at which a row begins, counted from 1; rows may span lines by quoted line breaks.

    Args:
        lines: of the whole file, header included.
        number: of the row, from 1, header excluded.
    Returns:
        0 where the file has no such row.
    """
    return next((record.line for record in records(lines) if record.number == number), 0)


def row_that_copy_calls(lines: Iterable[str], number: int) -> int:
    """
    Return the line of the file at which the row begins that PostgreSQL's COPY calls line `number` of the body.

    COPY counts a row, and of the line ends inside its quotes only those of one sort: `\\n` in a file whose lines end so, else
    `\\r`; in the first row, where it does not know yet how lines end, `\\r` as well. Spreadsheets write `\\r\\n` behind the row and
    `\\n` inside it. Source: PostgreSQL 18, CopyReadLineText in src/backend/commands/copyfromparse.c.

    Returns:
        0 where there is no such row.
    """
    passed: list[str] = []
    at, counted = 0, "\r"
    for record in records(_noted(lines, passed)):
        text, end = "".join(passed), passed[-1]
        passed.clear()
        if record.number:
            at += 1 + text.rstrip("\r\n").count(counted)
            counted = "\n" if end.endswith("\n") and not end.endswith("\r\n") else "\r"
        if at >= number:
            return record.line
    return 0


def _noted(lines: Iterable[str], passed: list[str]) -> Iterator[str]:
    for text in lines:
        passed.append(text)
        yield text


def diagnose_csv(lines: Iterable[str], columns: int, where: str = "") -> UsageError | None:
    """
    Find the first thing that is wrong with a CSV's shape; slow, for the time after the database objected.

    Args:
        lines: of the whole file, header included.
        columns: how many fields each row must have.
    Returns:
        An error `seed-file` with file and line; None where the shape is as it should be.
    """
    try:
        return next(filter(None, (_misshapen(record, columns, where) for record in records(_without_zeros(lines, where)))), None)
    except UsageError as error:
        return error


def _without_zeros(lines: Iterable[str], where: str) -> Iterator[str]:
    for line, text in enumerate(lines, 1):
        if "\0" in text:
            raise _wrong("there is a zero byte, which no text of a database can hold", where, line, "take it out")
        if "\r" in text.rstrip("\r\n") and '"' not in text:
            raise _wrong("there is a carriage return inside the line", where, line, "put the value into quotes, or take it out")
        yield text


def _misshapen(record: Record, columns: int, where: str) -> UsageError | None:
    if not record.closed:
        return _wrong("a quote that begins in this row is never closed", where, record.line, 'a quote inside a value is doubled: `""`')
    if record.fields == columns or (record.fields == 0 and columns == 1):
        return None
    if not record.fields:
        return _wrong("the line is empty", where, record.line, "take it out")
    much = "many" if record.fields > columns else "few"
    hint = 'a value with a comma stands in quotes: `"a, b"`' if much == "many" else "an empty value still has its comma"
    return _wrong(f"too {much} fields: {_fields(record.fields)}, and the header names {columns}", where, record.line, hint)


def _wrong(what: str, where: str, line: int, hint: str) -> UsageError:
    return UsageError("seed-file", what, f"{where}:{line}", hint)


def _fields(number: int) -> str:
    return "1 field" if number == 1 else f"{number} fields"
