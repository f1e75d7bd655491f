"""Lines of TOML keys: every key of a text is found, wherever and however it is written."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.settings.lines import find_lines, line_of

KEYS = st.sampled_from(["a", "b-1", '"a b"', "'x.y'", '"\\u00e4"', '"#"'])
SCALARS = st.sampled_from(
    ["1", "-2.5e3", "true", "1979-05-27 07:32:00", '"[x] # = }"', "'a\"b'", '"\\"]"', '"""\n[no]\nkey = "1"\n"""', "'''\n} ]\n'''", '"""a\\"""""', '""""a"""']
)
INLINE = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[ # list\n" + ",\n".join(items) + "\n]")
        | st.dictionaries(KEYS, inner.filter(lambda text: not text.startswith("[ #")), max_size=3).map(
            lambda pairs: "{ " + ", ".join(f"{key} = {value}" for key, value in pairs.items()) + " }"
        )
    ),
    max_leaves=6,
)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path of a parsed document."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, child in children for found in [(*path, key), *paths(child, (*path, key))]]


@given(st.lists(st.tuples(st.sampled_from(["", "[t{n}]", "[[l]]", "[l.sub{n}]"]), KEYS, INLINE), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_every_path_of_a_document_has_a_line(parts: list[tuple[str, str, str]]) -> None:
    """A mistake without its line has to be looked for."""
    text = "".join(f"{header.format(n=n)}\nk{n} . {key} = {value} # comment\n" for n, (header, key, value) in enumerate(parts))
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = find_lines(text)
    assert set(paths(document)) <= set(lines)
    for n in range(len(parts)):
        assert any(text.splitlines()[line - 1].startswith(f"k{n} ") for path, line in lines.items() if path[-1] == f"k{n}")


@pytest.mark.parametrize(
    "path, line",
    [
        (("a",), 1),
        (("t",), 3),
        (("t", "x", "y"), 4),
        (("t", "list", 1), 7),
        (("t", "list", 1, "k"), 7),
        (("l", 0), 9),
        (("l", 1), 11),
        (("l", 1, "name"), 12),
        (("l", 1, "sub", "z"), 14),
        (("t", "list", 1, "missing"), 7),
        (("nowhere",), 1),
    ],
)
def test_lines_are_the_ones_an_editor_shows(path: tuple[str | int, ...], line: int) -> None:
    """Of a missing key, its nearest parent's."""
    text = "a = 1\n\n[t]\nx.y = '''\n[no]'''\nlist = [1,\n  { k = 2 }]\n\n[[l]]\nname = 1\n[[l]]\nname = 2\n[l.sub]\nz = 1\n"
    assert line_of(find_lines(text), path) == line


@given(st.text(st.sampled_from("[]{}=.,\"'\\#\n ab1"), max_size=30))
@settings(max_examples=80, deadline=None)
def test_the_scanner_ends_on_any_text(text: str) -> None:
    """Positions are a courtesy; a scanner that raises or hangs would hide the mistake."""
    assert all(line >= 1 for line in find_lines(text).values())
