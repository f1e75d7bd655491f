"""A value of a file -> the value a column is sent."""

from __future__ import annotations

import base64
import datetime
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.errors import UsageError
from lockgate.seeds.convert import cells, from_text, to_cell
from lockgate.seeds.rows import Column, FileRow

UTC = datetime.UTC


def column(kind: str, type: str = "") -> Column:
    return Column("c", type or kind, kind)


@pytest.mark.parametrize(
    "kind, value, cell",
    [
        ("text", "x", "x"),
        ("text", "", ""),
        ("text", None, None),
        ("text", datetime.date(2024, 1, 2), "2024-01-02"),
        ("number", 3, 3),
        ("number", 2.5, 2.5),
        ("number", Decimal("1.10"), "1.10"),
        ("number", "12", 12),
        ("number", " 12.5 ", 12.5),
        ("number", "1.10", "1.10"),
        ("number", "NaN", "NaN"),
        ("number", "1e999", "1e999"),
        ("boolean", True, True),
        ("boolean", 0, False),
        ("boolean", "yes", True),
        ("boolean", "F", False),
        ("json", {"a": [1, None, "ü"]}, '{"a": [1, null, "ü"]}'),
        ("json", "text", '"text"'),
        ("json", [], "[]"),
        ("json", {"a": Decimal("1.10")}, '{"a": 1.10}'),
        ("json", None, None),
        ("bytes", b"hi", b"hi"),
        ("bytes", "\\x6869", b"hi"),
        ("bytes", "aGk=", b"hi"),
        ("bytes", "", b""),
        ("array", [], "{}"),
        ("array", [1, None, 2.5], "{1,NULL,2.5}"),
        ("array", ['a"b', "c\\d", "NULL", ""], '{"a\\"b","c\\\\d","NULL",""}'),
        ("array", [[1, 2], [3, 4]], "{{1,2},{3,4}}"),
        ("array", [True, False], "{t,f}"),
        ("array", [datetime.date(2024, 1, 2)], '{"2024-01-02"}'),
        ("array", "{1,2}", "{1,2}"),
        ("array", "[0:1]={1,2}", "[0:1]={1,2}"),
        ("other", "6f6b", "6f6b"),
        ("other", 3, "3"),
        ("other", True, "true"),
        ("other", datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), "2024-01-02 03:04:05+00:00"),
        ("other", datetime.date(2024, 1, 2), "2024-01-02"),
        ("unheard-of", "x", "x"),
    ],
)
def test_values_that_fit(kind: str, value: object, cell: object) -> None:
    """By the kind of the column, not by the look of the value."""
    found = to_cell(value, column(kind))
    assert (found, type(found)) == (cell, type(cell))


def test_an_array_of_json_has_json_inside() -> None:
    """A list in `jsonb[]` is a JSON list, no second dimension."""
    assert to_cell([{"a": 1}, [1, 2], "x"], column("array", "jsonb[]")) == '{"{\\"a\\": 1}","[1, 2]","\\"x\\""}'


@pytest.mark.parametrize(
    "kind, value, part",
    [
        ("text", 1, "it is a number; put it into quotation marks"),
        ("text", True, "it is true or false"),
        ("text", {"a": 1}, "it is an object"),
        ("number", True, "it is true or false, not a number"),
        ("number", "abc", "it is no number"),
        ("number", "", "an empty text is no number"),
        ("number", "0x10", "it is no number"),
        ("number", "1_000", "it is no number"),
        ("number", "\u0661", "it is no number"),
        ("number", [1], "it is a list"),
        ("boolean", 2, "it is a number"),
        ("boolean", "maybe", "neither true nor false"),
        ("json", {"a": float("nan")}, "JSON does not know"),
        ("json", datetime.date(2024, 1, 2), "a date or time"),
        ("bytes", "\\x6", "hexadecimal"),
        ("bytes", "?!", "base64"),
        ("bytes", 3, "not bytes"),
        ("array", 3, "not a list"),
        ("array", "a", "not a list"),
        ("other", {"a": 1}, "write it as a text"),
    ],
)
def test_values_that_do_not_fit(kind: str, value: object, part: str) -> None:
    """Column, beginning of the value, type and the reason."""
    with pytest.raises(UsageError) as caught:
        to_cell(value, column(kind, "the_type"))
    assert caught.value.code == "seed-file"
    assert "column `c` (the_type)" in caught.value.what
    assert part in caught.value.what


def test_a_long_value_is_shown_by_its_beginning() -> None:
    """Documents of 100 KB do not belong into a terminal."""
    with pytest.raises(UsageError) as caught:
        to_cell("x" * 100, column("number"))
    assert f"`{'x' * 40}…`" in caught.value.what
    assert "x" * 41 not in caught.value.what


def test_a_sensitive_value_is_not_shown() -> None:
    """An error goes into logs."""
    row = FileRow(7, {"c": "geheim"})
    with pytest.raises(UsageError) as caught:
        cells(row, [column("number")], "a.jsonl", {"c"})
    assert caught.value.where == "a.jsonl:7"
    assert "geheim" not in str(caught.value.args)


def test_a_row_comes_in_the_order_of_the_columns() -> None:
    """What it does not have is NULL."""
    assert cells(
        FileRow(1, {"b": 1, "a": "x"}), [Column("a", "text", "text"), Column("z", "text", "text"), Column("b", "int", "number")]
    ) == ["x", None, 1]


@pytest.mark.parametrize(
    "kind, text, cell",
    [
        ("number", "7", 7),
        ("number", "-0.5", -0.5),
        ("number", "0.10", "0.10"),
        ("boolean", "t", True),
        ("boolean", "0", False),
        ("json", '{"a": 1}', '{"a": 1}'),
        ("bytes", "\\x00ff", b"\x00\xff"),
        ("text", "x", "x"),
        ("other", "2024-01-02", "2024-01-02"),
        ("array", "{1}", "{1}"),
    ],
)
def test_fields_of_a_csv(kind: str, text: str, cell: object) -> None:
    """For databases that cannot read CSV themselves."""
    assert from_text(text, column(kind)) == cell


@pytest.mark.parametrize("kind, text", [("number", "x"), ("boolean", ""), ("json", "{"), ("json", "NaN"), ("bytes", "\\xg0")])
def test_fields_that_do_not_fit(kind: str, text: str) -> None:
    """The same error as for JSON."""
    with pytest.raises(UsageError, match="column `c`"):
        from_text(text, column(kind))


def unquoted(literal: str) -> list[Any]:
    """PostgreSQL's reading of a one-dimensional array of texts, written down once more for the test."""
    found, at = [], 1
    while at < len(literal) - 1:
        at += 1
        item = ""
        while literal[at] != '"':
            at += literal[at] == "\\"
            item += literal[at]
            at += 1
        found.append(item)
        at += 2
    return found


@given(st.lists(st.text(), min_size=1))
def test_an_array_of_texts_arrives_as_it_was(values: list[str]) -> None:
    """Quotes, backslashes, commas and braces."""
    assert unquoted(str(to_cell(values, column("array", "text[]")))) == values


@given(st.binary())
def test_bytes_arrive_as_they_were(data: bytes) -> None:
    """In both spellings."""
    assert to_cell("\\x" + data.hex(), column("bytes")) == data
    assert to_cell(base64.b64encode(data).decode(), column("bytes")) == data


@settings(max_examples=40)
@given(
    st.recursive(st.none() | st.integers() | st.text() | st.booleans(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_json_arrives_as_it_was(value: Any) -> None:
    """But for null, which is NULL."""
    cell = to_cell(value, column("json"))
    assert (cell is None) if value is None else (json.loads(str(cell)) == value)
