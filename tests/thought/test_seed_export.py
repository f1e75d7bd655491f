"""Names of files and declarations of exports: whatever a table is called, its declaration reads back."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from lockgate.seeds.export import Chosen, Exported, file_names, settings_text
from lockgate.seeds.rows import Column, TableShape
from lockgate.seeds.spec import TableName, format_of, table_name

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
tables = st.builds(TableName, texts, st.just("") | texts)


@given(st.lists(tables, unique=True, max_size=8))
def test_file_names_are_harmless_and_differ(names: list[TableName]) -> None:
    """No separator, no pattern, no hidden file, also where capital letters do not count."""
    found = file_names(names, ".csv.gz")
    assert len({name.casefold() for name in found}) == len(names)
    for name in found:
        assert not set(name) & set("/\\*?[]:\0")
        assert not name.startswith(".")
        assert format_of(name) == "csv"


@given(st.lists(tables, unique=True, min_size=1, max_size=5), st.lists(texts, min_size=1, max_size=3, unique=True))
def test_what_is_to_be_pasted_reads_back(names: list[TableName], columns: list[str]) -> None:
    """Chinese, quotes, line breaks, dots: the settings name the same table, key and columns."""
    chosen = [
        Chosen(name, TableShape(name, ()), tuple(Column(column, "text") for column in columns), tuple(columns), False, (), (columns[0],))
        for name in names
    ]
    done = [Exported(str(name), f"seeds/{number}.jsonl", 0, 0, tuple(columns), tuple(columns)) for number, name in enumerate(names)]
    read = tomllib.loads(settings_text(list(zip(chosen, done, strict=True)), "jsonl", "dev", ["table"]))["seeds"]
    assert [table_name(seed["table"]) for seed in read] == names
    assert [seed["key"] for seed in read] == [columns] * len(names)
    assert [seed["columns"] for seed in read] == [columns] * len(names)
    assert len({seed["name"] for seed in read} | {"table"}) == len(names) + 1
