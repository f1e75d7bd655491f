"""`[[seeds]]` -> `Seed`s, and every mistake at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.errors import SettingsError, UsageError
from lockgate.seeds.spec import OnChange, Seed, TableName, UnknownRows, format_of, stem_of, table_name
from lockgate.settings.load import read_settings

HEAD = '[environments.dev]\nurl = "sqlite:///d.db"\n[environments.test]\nurl = "sqlite:///t.db"\n'
START = '[[seeds]]\nname = "a"\nfile = "a.csv"\nenvironments = ["dev"]\n'
SQL = '[[seeds]]\nname = "s"\nfile = "s.sql"\nenvironments = ["dev"]\n'


def seeds(text: str) -> tuple[Seed, ...]:
    return read_settings(HEAD + text, "lockgate.toml", Path("/srv/app")).seeds


def mistakes(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        seeds(text)
    assert caught.value.code == "settings-invalid"
    return caught.value.what.splitlines()[1:]


def test_a_seed_with_everything() -> None:
    """What is written is what is promised."""
    text = (
        '[[seeds]]\nname = "codes"\nfile = "seeds/codes.csv.gz"\ntable = \'"My Schema".codes\'\nkey = ["code"]\nenvironments = ["dev", "test"]\n'
        'columns = ["code", "label"]\nnull = ""\nencoding = "UTF8"\nunknown_rows = "delete"\non_change = "insert-only"\n'
        'depends_on = ["first"]\nsensitive = ["label"]\n' + SQL.replace('"s"', '"first"') + "destructive = true\n"
    )
    assert seeds(text) == (
        Seed(
            "codes",
            "seeds/codes.csv.gz",
            ("dev", "test"),
            '"My Schema".codes',
            ("code",),
            ("code", "label"),
            "",
            "utf-8",
            UnknownRows.DELETE,
            OnChange.INSERT_ONLY,
            ("first",),
            False,
            ("label",),
            "lockgate.toml:5",
        ),
        Seed("first", "s.sql", ("dev",), destructive=True, where="lockgate.toml:18"),
    )


def test_defaults_are_those_of_the_noun() -> None:
    """Two places with defaults would drift apart."""
    assert seeds(START) == (Seed("a", "a.csv", ("dev",), where="lockgate.toml:5"),)
    assert seeds("") == ()


@pytest.mark.parametrize(
    "text, part",
    [
        ('[[seeds]]\nname = "a"\nfile = "a.csv"\n', "`environments` is missing @ seeds[0] (lockgate.toml:5)"),
        (START.replace('["dev"]', "[]"), "`environments` is empty"),
        (START.replace("dev", "dve"), "there is no environment `dve` (did you mean `dev`?) @ seeds[0].environments[0] (lockgate.toml:8)"),
        (START.replace('["dev"]', '["dev", "dev"]'), "stands in `environments` twice"),
        (START.replace('"a"', '"A"'), "`name` must look like"),
        (START.replace('"a"', f'"{"a" * 65}"'), "`name` must look like"),
        (START + START, "there is already a seed `a` @ seeds[1].name (lockgate.toml:10)"),
        (START + 'unknown_rows = "drop"\n', "must be `keep`, `refuse` or `delete`"),
        (START + 'on_change = "upsert"\n', "must be `update` or `insert-only`"),
        (START + 'encoding = "utf-88"\n', "Python knows no encoding `utf-88`"),
        (START + 'encoding = "zlib"\n', "Python knows no encoding `zlib`"),
        (START + 'encoding = "utf\\u00008"\n', "Python knows no encoding"),
        (START + "null = 3\n", "`null` must be a text"),
        (START + 'null = "a,b"\n', "`null` must be a text"),
        (START + 'table = "a.b.c"\n', "is no name of a table"),
        (START + 'key = ["a", "a"]\n', "stands in `key` twice"),
        (START + 'columns = ["idd"]\nkey = ["id"]\n', "`id` is no column of `columns` (did you mean `idd`?)"),
        (START + 'depends_on = ["b"]\n', "there is no seed `b`"),
        (START + 'depends_on = ["a"]\n', "cannot depend on itself"),
        (START + "destructive = true\n", "`destructive` is for SQL seeds"),
        (START + "destructive = 1\n", "must be true or false"),
        (START + "unknown_row = 1\n", "unknown key `unknown_row` (did you mean `unknown_rows`?)"),
        (START.replace("a.csv", "/etc/a.csv"), "`file` is absolute"),
        (START.replace("a.csv", "C:/a.csv"), "`file` is absolute"),
        (START.replace("a.csv", "x/../../a.csv"), "`file` has `..`"),
        (START.replace('"a.csv"', "'x\\a.csv'"), "`file` has a `\\`"),
        (START.replace("a.csv", "a.xlsx"), "no ending that says its format"),
        (START.replace("a.csv", "*.csv") + 'table = "t"\nunknown_rows = "delete"\n', "`file` is a pattern"),
        (SQL + 'table = "t"\n', "`table` is for seeds of rows"),
        (SQL + 'key = ["t"]\n', "`key` is for seeds of rows"),
        (SQL + 'columns = ["t"]\n', "`columns` is for seeds of rows"),
        (SQL + 'null = ""\n', "`null` is for seeds of rows"),
        (SQL + 'unknown_rows = "keep"\n', "`unknown_rows` is for seeds of rows"),
        (SQL + 'on_change = "update"\n', "`on_change` is for seeds of rows"),
        (SQL + 'sensitive = ["t"]\n', "`sensitive` is for seeds of rows"),
        (START + 'depends_on = ["s"]\n' + SQL + 'depends_on = ["a"]\n', "seeds wait for each other: `a` → `s` → `a`"),
    ],
)
def test_a_wrong_seed_is_explained(text: str, part: str) -> None:
    """One mistake each, with its place."""
    found = mistakes(text)
    assert len(found) == 1, found
    assert part in found[0]


def test_all_mistakes_come_at_once() -> None:
    """Nobody wants to run it six times."""
    text = '[[seeds]]\nname = "A"\nfile = "/a.csv"\nencoding = "x"\ntable = ""\nkey = 3\nwhat = 1\n'
    assert len(mistakes(text)) == 7


PARTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@given(PARTS, PARTS)
def test_every_name_can_be_written_in_quotes(schema: str, name: str) -> None:
    """Whatever a database accepts as a name can be seeded."""
    assert table_name(quoted(name)) == TableName(name)
    assert table_name(f"{quoted(schema)}.{quoted(name)}") == TableName(name, schema)


@pytest.mark.parametrize("name", ["规模明细", "users", "Users", "a-b", "größe", "таблица"])
def test_names_of_any_script_need_no_quotes(name: str) -> None:
    """WorkDataHub's tables have Chinese names, and files are named after them."""
    assert table_name(name) == TableName(name)
    assert table_name(f"annuity.{name}") == TableName(name, "annuity")
    assert table_name(stem_of(f"seeds/{name}.csv.gz")) == TableName(name)


@pytest.mark.parametrize("text", ["", "a b", "a.b.c", '"a', ".a", "a.", '""'])
def test_what_is_no_name_is_refused(text: str) -> None:
    """A guess would write into another table."""
    with pytest.raises(UsageError) as caught:
        table_name(text, "here")
    assert (caught.value.code, caught.value.where) == ("seed-invalid", "here")


@pytest.mark.parametrize(
    "path, kind, stem",
    [
        ("a.csv", "csv", "a"),
        ("x/A.CSV.GZ", "csv", "A"),
        ("b.ndjson", "jsonl", "b"),
        ("c.yml.gz", "yaml", "c"),
        ("public.users.json", "json", "public.users"),
    ],
)
def test_the_ending_says_the_format(path: str, kind: str, stem: str) -> None:
    """And the stem the table."""
    assert (format_of(path), stem_of(path)) == (kind, stem)
