"""What Alembic's batch mode does: a table beside the old one, the rows copied, the old one dropped, the new one renamed."""

from __future__ import annotations

import re

TEMPORARY = "_alembic_tmp_"
_NAME = r"(?:\"(?:[^\"]|\"\")+\"|\w+)"
_COPY = re.compile(rf"\s*insert\s+into\s+(?P<into>{_NAME})\s*\((?P<columns>.*?)\)\s*select\s+(?P<values>.*)\s+from\s", re.I | re.S)
_SOURCE = re.compile(rf"{_NAME}\.(?P<column>{_NAME})")


def copied_columns(sql: str) -> tuple[str, dict[str, str]]:
    """
    Read batch mode's INSERT: which column is filled from which.

    Returns:
        The table in lower case, and old names by new ones, in lower case; an empty name for any other statement.
    """
    found = _COPY.match(sql)
    into = _bare(found["into"]) if found else ""
    if not found or not into.startswith(TEMPORARY):
        return "", {}
    pairs = zip(_parts(found["columns"]), _parts(found["values"]), strict=False)
    sources = {_bare(column): source for column, value in pairs if (source := _SOURCE.search(value))}
    return into.removeprefix(TEMPORARY), {column: _bare(source["column"]) for column, source in sources.items()}


def _parts(text: str) -> list[str]:
    """Split at commas that stand in no parenthesis and no quotation marks."""
    parts, depth, quoted = [""], 0, False
    for letter in text:
        quoted ^= letter == '"'
        depth += 0 if quoted else (letter == "(") - (letter == ")")
        if letter == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _bare(name: str) -> str:
    name = name.strip()
    return (name[1:-1].replace('""', '"') if name.startswith('"') else name).lower()
