"""JSON Lines, JSON arrays and YAML lists -> rows."""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.errors import UsageError
from lockgate.seeds.parse import line_of_row, read_rows
from lockgate.seeds.rows import FileRow

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
ROWS = st.lists(st.fixed_dictionaries({"id": VALUES, "名": VALUES}), max_size=6)


def read(kind: str, text: str | bytes, columns: tuple[str, ...] = (), size: int = 0) -> list[FileRow]:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    blocks = [data[at : at + size] for at in range(0, len(data), size)] if size else [data]
    return list(read_rows(kind, blocks, columns, where="f")[1])


def plain(value: Any) -> Any:
    """Decimals as floats: a number whose digits a float would change stays exact."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=40)
@given(ROWS, st.integers(0, 9), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_an_array_does_not_depend_on_where_it_was_cut(rows: list[dict[str, Any]], size: int, indent: Any, ascii_only: bool) -> None:
    """One byte at a time or all at once."""
    text = json.dumps(rows, indent=indent, ensure_ascii=ascii_only)
    text = text.encode("utf-8", "replace").decode()
    assert [plain(row.values) for row in read("json", text, size=size)] == json.loads(text)
    assert read("json", text, size=size) == read("json", text)


@settings(max_examples=40)
@given(ROWS, st.integers(0, 9))
def test_lines_do_not_depend_on_where_they_were_cut(rows: list[dict[str, Any]], size: int) -> None:
    """Every row has its line; empty lines are none."""
    text = "".join(json.dumps(row) + "\n \n" for row in rows)
    found = read("jsonl", text, size=size)
    assert [(row.line, plain(row.values)) for row in found] == [(2 * index + 1, row) for index, row in enumerate(rows)]


def test_lines_of_an_array_are_those_of_the_file() -> None:
    """An editor jumps there."""
    assert [row.line for row in read("json", '\n[\n{"a": 1}\n,\n\n{"a":\n2}, {"a": 3}]\n')] == [3, 6, 7]


def test_columns_are_known_before_the_rows() -> None:
    """The temporary table is made first."""
    columns, rows = read_rows("jsonl", [b'{"b": 1, "a": 2}\n{"a": 3}\n'])
    assert columns == ("b", "a")
    assert [row.values for row in rows] == [{"b": 1, "a": 2}, {"a": 3}]
    assert read_rows("jsonl", [b'{"b": 1}\n'], ("a", "b"))[0] == ("a", "b")
    assert read_rows("json", [b"[]"])[0] == ()


def test_numbers_keep_their_digits() -> None:
    """`numeric(30, 20)` holds more than a float."""
    (row,) = read("jsonl", '{"a": 1.10, "b": 0.1, "c": 12345678901234567890.123456789, "d": 1e400, "e": 10000000000000000000001}')
    assert row.values == {
        "a": Decimal("1.10"),
        "b": 0.1,
        "c": Decimal("12345678901234567890.123456789"),
        "d": Decimal("1e400"),
        "e": 10000000000000000000001,
    }


@pytest.mark.parametrize("size", [0, 1, 5])
@pytest.mark.parametrize(
    "kind, text, part, where",
    [
        ("jsonl", '{"a": 1}\n{"a": }\n', "no JSON", "f:2"),
        ("jsonl", '{"a": 1}\n[1]\n', "this is a list", "f:2"),
        ("jsonl", "1\n", "this is a number", "f:1"),
        ("jsonl", "{}\n", "no columns", "f:1"),
        ("jsonl", '{"a": 1}\n\n{"b": 1}\n', "the key `b`", "f:3"),
        ("jsonl", '{"a": 1, "a": 2}\n', "`a` stands in one object twice", "f:1"),
        ("jsonl", '{"a": NaN}\n', "`NaN` is no JSON", "f:1"),
        ("jsonl", b'{"a": 1}\n{"a": "\xff"}\n', "0xff", "f:2"),
        ("jsonl", '{"a": ' + "[" * 100000 + "]" * 100000 + "}\n", "recursion", "f:1"),
        ("jsonl", '{"a": ' + "1" * 5000 + "}\n", "", "f:1"),
        ("json", "", "begin with `[`", "f:1"),
        ("json", '{"a": 1}', "begin with `[`; here is `{`", "f:1"),
        ("json", '[\n{"a": 1},\n3]', "must be an object", "f:3 (element 2)"),
        ("json", '[{"a": 1}\n{"a": 2}]', "between two elements", "f:2 (element 1)"),
        ("json", '[{"a": 1},\n]', "must be an object", "f:2 (element 2)"),
        ("json", '[{"a": 1},\n{"a" 2}' + ' ,{"a": 3}' * 9 + "]", "no JSON", "f:2 (element 2)"),
        ("json", '[{"a": 1},\n{"a": "x', "no JSON", "f:2 (element 2)"),
        ("json", '[{"a": 1}', "the end of the file", "f:1 (element 1)"),
        ("json", '[{"a": 1}]\n[]', "after the array stands `[`", "f:2 (element 1)"),
        ("json", '[{"a": 1},\n\n{"c": 1}]', "the key `c`", "f:3 (element 2)"),
        ("json", '[{"a": {"b": 1, "b": 1}}]', "stands in one object twice", "f:1 (element 1)"),
        ("yaml", "- a: 1\n- b: 2\n", "the key `b`", "f:2"),
        ("yaml", "a: 1\n", "must be a list", "f:1"),
        ("yaml", "- a: 1\n- 3\n", "this is a number", "f:2"),
        ("yaml", "- a: 1\n  a: 2\n", "`a` stands in one row twice", "f:2"),
        ("yaml", "- a: 1\n- a: [\n", "no YAML", "f:3, column 1"),
        ("yaml", "- a: !!python/object/apply:os.system [ls]\n", "no YAML", "f:1, column 6"),
        ("yaml", "- 1: 2\n", "which is no text", "f:1"),
        ("yaml", "- a: 2024-02-31\n", "no YAML", "f"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(kind: str, text: str | bytes, part: str, where: str, size: int) -> None:
    """Whatever the chunks."""
    whole = len(text) > 1000  # in pieces of one letter it would take seconds
    with pytest.raises(UsageError) as caught:
        read(kind, text, size=0 if whole else size)
    assert caught.value.code == "seed-file"
    assert part in caught.value.what
    assert caught.value.where == where


def test_given_columns_are_the_only_ones() -> None:
    """Also for the first row."""
    with pytest.raises(UsageError, match="the key `b`"):
        read("jsonl", '{"a": 1, "b": 2}\n', ("a",))
    assert read("jsonl", '{"a": 1}\n', ("a", "c"))[0].values == {"a": 1}


def test_yaml_has_its_own_kinds() -> None:
    """Dates and bytes arrive as what they are."""
    (row,) = read("yaml", "- {a: 2024-01-02, b: !!binary aGk=, c: no, d: ~, e: 'x', f: [1, {g: 2}]}\n")
    assert str(row.values["a"]) == "2024-01-02"
    assert (row.values["b"], row.values["c"], row.values["d"], row.values["e"], row.values["f"]) == (b"hi", False, None, "x", [1, {"g": 2}])
    assert [row.line for row in read("yaml", "# x\n- a: 1\n\n- a: 2\n")] == [2, 4]
    assert read("yaml", "") == []


def test_yaml_without_pyyaml_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(UsageError) as caught:
        read("yaml", "- a: 1\n")
    assert caught.value.code == "extra-missing"
    assert "lockgate[yaml]" in caught.value.hint


def test_a_format_without_rows_is_refused() -> None:
    """SQL has none, CSV has its own way."""
    with pytest.raises(UsageError) as caught:
        read_rows("sql", [])
    assert caught.value.code == "seed-invalid"


def test_a_row_is_found_again() -> None:
    """The database tells the number of the row."""
    rows = list(read("jsonl", '\n{"a": 1}\n\n{"a": 2}\n'))
    assert [line_of_row(rows, number) for number in (1, 2, 3)] == [2, 4, 0]


def test_an_array_takes_the_memory_of_its_largest_element() -> None:
    """Whatever the file's size."""
    block = b'{"id": 1, "text": "' + b"x" * 1000 + b'"},\n'

    def blocks() -> Iterator[bytes]:
        yield b"["
        for _ in range(40):
            yield block * 100
        yield block.removesuffix(b",\n") + b"]"

    tracemalloc.start()
    count = sum(1 for _ in read_rows("json", blocks())[1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 4001
    assert peak < 1024 * 1024
