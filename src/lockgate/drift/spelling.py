"""
One spelling for expressions that PostgreSQL prints in two ways though they mean one thing.

`x IN ('a', 'b')` on a varchar is printed as a cast of the whole array, and after a dump and a restore as an array of casts.
Source: PostgreSQL 13 to 18, seen in `pg_get_constraintdef` before and after pg_dump.
"""

from __future__ import annotations

import re

_QUOTED = r"'(?:[^']|'')*'"
_VARYING = r"::character varying(?:\(\d+\))?"
_ELEMENT = rf"\(?{_QUOTED}{_VARYING}\)?(?:::text)?"
# An array whose elements are all texts of varchar, itself cast or made of casts.
_ARRAY = re.compile(rf"ARRAY\[({_ELEMENT}(?:, {_ELEMENT})*)\](::text\[\])?")
_PARTS = re.compile(rf"\(?({_QUOTED}){_VARYING}\)?(::text)?")


def canonical(text: str) -> str:
    """Return the text with such arrays in one spelling; anything else as it is."""
    return _ARRAY.sub(_respelled, text) if "ARRAY[" in text else text


def _respelled(found: re.Match[str]) -> str:
    parts = _PARTS.findall(found[1])
    if not found[2] and not all(cast for _, cast in parts):
        return found[0]
    return f"ARRAY[{', '.join(f'{quoted}::text' for quoted, _ in parts)}]"
