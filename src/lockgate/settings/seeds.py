"""The `[[seeds]]` tables of the settings -> `Seed`s; a wrong one is a mistake with its place, like every other."""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection
from pathlib import PurePosixPath, PureWindowsPath

from lockgate.errors import UsageError
from lockgate.seeds.order import find_cycle
from lockgate.seeds.spec import OnChange, Seed, UnknownRows, format_of, table_name
from lockgate.settings.decode import Table, did_you_mean

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_GLOB = "*?["
# What only rows have; a script says such things itself.
_ROWS_ONLY = ("table", "key", "columns", "null", "unknown_rows", "on_change", "sensitive")


def read_seeds(root: Table, environments: Collection[str]) -> tuple[Seed, ...]:
    """
    Read every seed of the settings.

    Args:
        root: the settings; mistakes go where it keeps them.
        environments: names that `environments` of a seed may use.
    """
    tables = root.tables("seeds")
    seeds = [_seed(table, environments) for table in tables]
    names = [seed.name for seed in seeds]
    for index, (seed, table) in enumerate(zip(seeds, tables, strict=True)):
        if seed.name and seed.name in names[:index]:
            table.wrong("name", f"there is already a seed `{seed.name}`")
        _check_waits(seed, table, names)
    _check_cycle(seeds, tables)
    return tuple(seeds)


def _seed(table: Table, environments: Collection[str]) -> Seed:
    file, kind = _file(table)
    seed = Seed(
        name=table.text("name", required=True, shape=_NAME, like="`reference-data`: at most 64 of a-z, 0-9, `_`, `-`, a letter first"),
        file=file,
        environments=_environments(table, environments),
        table=_table(table),
        key=_names(table, "key"),
        columns=_names(table, "columns"),
        null=_null(table),
        encoding=_encoding(table),
        unknown_rows=UnknownRows(table.word("unknown_rows", [item.value for item in UnknownRows], UnknownRows.KEEP.value)),
        on_change=OnChange(table.word("on_change", [item.value for item in OnChange], OnChange.UPDATE.value)),
        depends_on=_names(table, "depends_on"),
        destructive=table.flag("destructive"),
        sensitive=_names(table, "sensitive"),
        where=table.where,
    )
    _check_together(seed, table, kind)
    table.close()
    return seed


def _file(table: Table) -> tuple[str, str]:
    """Return the path and its format; both empty after a mistake."""
    file = table.text("file", required=True)
    if not file:
        return "", ""
    try:
        _check_path(file)
        return file, format_of(file)
    except UsageError as error:
        table.wrong("file", f"{error.what}; {error.hint}")
        return "", ""


def _check_path(file: str) -> None:
    """A seed comes out of the project's own folder, whoever's machine it is on."""
    if "\\" in file:
        raise UsageError("seed-invalid", "`file` has a `\\`", hint="write `/` between folders")
    if PurePosixPath(file).is_absolute() or PureWindowsPath(file).drive:
        raise UsageError("seed-invalid", "`file` is absolute", hint="write the path below the project's folder")
    if ".." in PurePosixPath(file).parts:
        raise UsageError("seed-invalid", "`file` has `..`", hint="a seed lies below the project's folder")


def _environments(table: Table, known: Collection[str]) -> tuple[str, ...]:
    names = _names(table, "environments", required=True)
    if not names and table.raw("environments") == []:
        table.wrong("environments", "`environments` is empty: a seed says where it may be loaded")
    for index, name in enumerate(names):
        if name not in known:
            sentence = f"there is no environment `{name}`{did_you_mean(name, known)}"
            table.mistakes.add(sentence, (*table.path, "environments", index))
    return names


def _table(table: Table) -> str:
    text = table.text("table")
    try:
        if text:
            table_name(text)
    except UsageError as error:
        table.wrong("table", f"{error.what}; {error.hint}")
        return ""
    return text


def _names(table: Table, key: str, *, required: bool = False) -> tuple[str, ...]:
    names = table.texts(key, required=required)
    for index, name in enumerate(names):
        if name in names[:index]:
            table.mistakes.add(f"`{name}` stands in `{key}` twice", (*table.path, key, index))
    return names


def _null(table: Table) -> str | None:
    value = table.raw("null")
    if value is None or (isinstance(value, str) and not re.search(r'[\r\n",]', value)):
        return value
    # What COPY accepts: a marker that the reader of the CSV could not take for something else.
    table.wrong("null", '`null` must be a text without line break, `,` and `"`')
    return None


def _encoding(table: Table) -> str:
    default = Seed.encoding
    name = table.text("encoding", default)
    try:
        " ".encode(name)  # refuses what is a codec but no encoding of text, such as `zlib`
        return codecs.lookup(name).name
    except (LookupError, UnicodeError, ValueError):
        table.wrong("encoding", f"Python knows no encoding `{name[:40]}`; try `utf-8`, `latin-1`, `cp1252`, `gb18030` or `utf-16`")
        return default


def _check_together(seed: Seed, table: Table, kind: str) -> None:
    if kind == "sql":
        for key in _ROWS_ONLY:
            if key in table:
                table.wrong(key, f"`{key}` is for seeds of rows; a SQL seed says it in its statements")
    elif kind and seed.destructive:
        table.wrong("destructive", '`destructive` is for SQL seeds; rows are deleted by `unknown_rows = "delete"`')
    if seed.columns:
        for index, name in enumerate(seed.key):
            if name not in seed.columns:
                table.mistakes.add(f"`{name}` is no column of `columns`{did_you_mean(name, seed.columns)}", (*table.path, "key", index))
    if seed.table and seed.unknown_rows is not UnknownRows.KEEP and any(letter in seed.file for letter in _GLOB):
        # The rows of one file would be the unknown rows of the next.
        table.wrong("unknown_rows", "`unknown_rows` needs one file for one table, and `file` is a pattern")


def _check_waits(seed: Seed, table: Table, names: Collection[str]) -> None:
    for index, name in enumerate(seed.depends_on):
        path = (*table.path, "depends_on", index)
        if name == seed.name:
            table.mistakes.add("a seed cannot depend on itself", path)
        elif name not in names:
            table.mistakes.add(f"there is no seed `{name}`{did_you_mean(name, names)}", path)


def _check_cycle(seeds: list[Seed], tables: list[Table]) -> None:
    needs = {seed.name: {name for name in seed.depends_on if name != seed.name} for seed in seeds}
    if cycle := find_cycle(needs):
        table = next(table for seed, table in zip(seeds, tables, strict=True) if seed.name == cycle[0])
        table.wrong("depends_on", f"seeds wait for each other: {' → '.join(f'`{name}`' for name in cycle)}")
