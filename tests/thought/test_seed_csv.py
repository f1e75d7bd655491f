"""CSV: header, body, and what is wrong with either."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.errors import UsageError
from lockgate.seeds.csv_body import checked_csv, diagnose_csv, locate_row, records
from lockgate.seeds.csv_head import read_head
from lockgate.seeds.decoding import lines_of, text_of, utf8_of


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """The same bytes in blocks of these sizes, over and over."""
    blocks, at = [], 0
    while at < len(data):
        size = sizes[len(blocks) % len(sizes)] if sizes else len(data)
        blocks.append(data[at : at + size])
        at += size
    return blocks


def written(rows: list[list[str]], line_end: str = "\n") -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()


CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=12)
SIZES = st.lists(st.integers(1, 40), max_size=4)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=8), SIZES, st.sampled_from(["\n", "\r\n"]))
def test_what_was_written_is_what_arrives(rows: list[list[str]], sizes: list[int], line_end: str) -> None:
    """Quotes, commas and line breaks inside values, wherever the blocks are cut."""
    rows = [[cell.replace("\\", "/") for cell in row] for row in rows]
    data = written([["id", "a,b", 'c "d"\ne'], *rows], line_end).encode()
    head, body = read_head(iter(cut(data, sizes)))
    assert head.columns == ("id", "a,b", 'c "d"\ne')
    assert head.lines == 2
    assert list(csv.reader(io.StringIO(b"".join(body).decode(), newline=""))) == rows
    assert b"".join(checked_csv(cut(data, sizes), 3)) == data[len(written([list(head.columns)], line_end)) :]
    assert diagnose_csv(lines_of(text_of(cut(data, sizes))), 3) is None


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8))
def test_a_row_is_found_again_by_its_number_and_by_its_lines(rows: list[list[str]]) -> None:
    """Rows span lines; people and editors count lines."""
    lines = list(lines_of([written([["id", "x"], *rows])]))
    starts = [locate_row(lines, number) for number in range(1, len(rows) + 1)]
    expected, line = [], 2
    for row in rows:
        expected.append(line)
        line += 1 + sum(cell.count("\n") for cell in row)
    assert starts == expected
    assert locate_row(lines, len(rows) + 1) == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gb18030", "big5", "shift_jis"])
@given(sizes=SIZES)
def test_every_encoding_becomes_utf_8(encoding: str, sizes: list[int]) -> None:
    """And a byte order mark is no part of the first name."""
    data = "名,value\n1,中文\n2,x\n".encode(encoding)
    assert b"".join(checked_csv(cut(data, sizes), 2, encoding)) == "1,中文\n2,x\n".encode()


def test_a_byte_order_mark_is_dropped_though_nobody_announced_it() -> None:
    """Excel writes one."""
    assert read_head(utf8_of([b"\xef", b"\xbb\xbfid,x\n1,2\n"]))[0].columns == ("id", "x")


@pytest.mark.parametrize(
    "data, part, line",
    [
        (b"", "no header", 1),
        (b"\n1,2\n", "empty line", 1),
        (b"a,\n", "column 2 is empty", 1),
        (b"a,,b\n", "column 2 is empty", 1),
        (b'a," "\n', "column 2 is empty", 1),
        (b"a,b,a\n", "`a` stands in the header twice", 1),
        (b'a,"b\n', "a quote is not closed", 1),
        (b'a,"b"c\n', "a quote is not closed or stands inside", 1),
        (b"a;b\n1;2\n", "one single name", 1),
        (b"a\tb\n1\t2\n", "one single name", 1),
        (b"a,b,c\n1,2,3\n", "3 fields, not 2", 1),
        (b"a,b\n1,2\n\\.\n3,4\n", "a line is only", 3),
        (b"a,b\n\\.\n3,4\n", "a line is only", 2),
        (b"a,b\n1,2\n3,4\n\\.", "the last line is only", 4),
        (b"a,b\n1,2\n3,\xff\n", "0xff", 3),
        (b"a,b\n1,2\n3,\xe4\xb8", "not valid utf-8", 3),
        (b"a\xff,b\n", "not valid utf-8", 1),
        (b"x" * (2 * 1024 * 1024), "no end within", 1),
    ],
)
@pytest.mark.parametrize("sizes", [[], [1], [7]])
def test_what_the_cheap_pass_finds(data: bytes, part: str, line: int, sizes: list[int]) -> None:
    """With file and line, wherever the blocks are cut."""
    blocks = cut(data, sizes if len(data) < 1000 else [65536])
    with pytest.raises(UsageError) as caught:
        b"".join(checked_csv(blocks, 2, where="a.csv"))
    assert caught.value.code == "seed-file"
    assert part in caught.value.what
    assert caught.value.where == f"a.csv:{line}"


@pytest.mark.parametrize("value", ["a\\.b", "\\.x", "x\\."])
def test_a_backslash_and_a_dot_inside_a_line_are_a_value(value: str) -> None:
    """Only a line of its own ends the data."""
    assert b"".join(checked_csv([f"a,b\n{value},{value}\n".encode()], 2)) == f"{value},{value}\n".encode()


@pytest.mark.parametrize(
    "text, part, line",
    [
        ("a,b\n1,2\n3\n", "too few fields: 1 field,", 3),
        ("a,b\n1,2\n3,4,5\n", "too many fields: 3 fields,", 3),
        ('a,b\n1,"x\ny"\n3\n', "too few", 4),
        ('a,b\n1,2\n3,"x\ny\n', "never closed", 3),
        ("a,b\n1,2\n\n3,4\n", "the line is empty", 3),
        ("a,b\n1,2\n3,\0\n", "zero byte", 3),
        ("a,b\n1,2\n3,x\ry\n", "carriage return", 3),
        ("a,b\n1,2\n", "", 0),
        ('a,b\n"1,1","""2"""\n', "", 0),
        ("a,b\r\n1,2\r\n", "", 0),
        ("a,b\r1,2\r", "", 0),
        ("a,b", "", 0),
    ],
)
def test_what_the_slow_pass_finds(text: str, part: str, line: int) -> None:
    """After the database objected, the line that is to blame."""
    error = diagnose_csv(lines_of([text]), 2, "a.csv")
    if not part:
        assert error is None
        return
    assert error is not None
    assert (error.code, error.where) == ("seed-file", f"a.csv:{line}")
    assert part in error.what


def test_a_column_of_its_own_may_have_empty_lines() -> None:
    """With one column an empty line is a NULL."""
    assert diagnose_csv(lines_of(["a\n\n1\n"]), 1) is None


def test_too_many_fields_in_line_4711() -> None:
    """The issue's own example."""
    lines = ["a,b\n", *("1,2\n" for _ in range(4709)), "1,2,3\n", "1,2\n"]
    error = diagnose_csv(lines, 2, "a.csv")
    assert error is not None
    assert error.where == "a.csv:4711"


@given(st.text(st.sampled_from("ab\n\r"), max_size=30), st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_lines_do_not_depend_on_where_the_text_was_cut(text: str, sizes: list[int]) -> None:
    """And nothing gets lost."""
    pieces = [piece.decode() for piece in cut(text.encode(), sizes)]
    assert list(lines_of(pieces)) == list(lines_of([text]))
    assert "".join(lines_of(pieces)) == text


def test_records_tell_where_they_begin_and_end() -> None:
    """COPY reports the last line of a row."""
    found = [(record.number, record.line, record.last_line, record.fields) for record in records(['a,"b\n', 'c"\n', "1,2\n"])]
    assert found == [(0, 1, 2, 2), (1, 3, 3, 2)]
