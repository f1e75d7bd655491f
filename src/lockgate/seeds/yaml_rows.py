"""A YAML list of mappings -> rows; the whole file is in memory, so it is for seeds of some thousand rows."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lockgate.errors import UsageError
from lockgate.seeds.json_rows import checked_row
from lockgate.seeds.rows import FileRow


def yaml_rows(texts: Iterable[str], columns: Sequence[str] = (), where: str = "") -> Iterator[FileRow]:
    """
    Read a YAML list; `line` of a row is the line its element begins at. Memory grows with the file: some twenty times its size.

    Args:
        texts: the file, cut anywhere.
        columns: allowed keys; empty for those of the first row.
        where: the file's path, for errors.
    Raises:
        UsageError: `extra-missing` without PyYAML; `seed-file`, with file and line.
    """
    yaml = _library()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)("".join(texts))
    try:
        elements = _elements(loader.get_single_node(), where)
        known = set(columns)
        for element in elements:
            line = element.start_mark.line + 1
            _refuse_twice(element, where)
            row = checked_row(loader.construct_object(element, deep=True), line, known, f"{where}:{line}")
            known = known or set(row.values)
            yield row
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # ValueError: a date such as 2024-02-31.
        raise _wrong(error, where) from error
    finally:
        loader.dispose()


def _library() -> Any:
    try:
        return importlib.import_module("yaml")
    except ModuleNotFoundError as error:
        raise UsageError("extra-missing", "seeds in YAML need PyYAML", hint="pip install 'lockgate[yaml]'") from error


def _elements(node: Any, where: str) -> Sequence[Any]:
    if node is None:
        return ()
    if node.id != "sequence":
        line = node.start_mark.line + 1
        raise UsageError("seed-file", "the file must be a list of rows", f"{where}:{line}", "begin each row with `- `")
    return list(node.value)


def _refuse_twice(node: Any, where: str) -> None:
    """YAML forbids a key that stands in a mapping twice; PyYAML keeps the last one without a word."""
    if node.id != "mapping":
        return
    seen = set()
    for key, _ in node.value:
        name = key.value if key.id == "scalar" else ""
        if name and name in seen:
            place = f"{where}:{key.start_mark.line + 1}"
            raise UsageError("seed-file", f"the key `{name[:40]}` stands in one row twice", place, "a value can only come from one of them")
        seen.add(name)


def _wrong(error: Exception, where: str) -> UsageError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or (str(error) if not mark else "") or "it cannot be read"
    place = f"{where}:{mark.line + 1}, column {mark.column + 1}" if mark else where
    return UsageError("seed-file", f"this is no YAML: {problem}", place, "texts with `: `, `#` or a leading `{` need quotation marks")
