"""Whether an expression may fail for a value."""

from __future__ import annotations

import re

_TEXTS = re.compile(r"'(?:[^']|'')*'")
_CALLED = re.compile(r"(\w+)\s*\(")
# What is followed by a parenthesis and fails for no value.
_HARMLESS = frozenset("lower upper btrim ltrim rtrim trim coalesce nullif concat and or not in any length md5 now exists".split())
_TO_TEXT = re.compile(r"::(?:text|character varying)(?!\s*\()\b")
_RAISING = re.compile(r"[-+*/%^]|::|\bselect\b", re.I)


def may_raise(expression: str) -> bool:
    """Whether an expression calculates, casts, or calls what nobody knows; as PostgreSQL prints it."""
    called = {name.lower() for name in _CALLED.findall(expression)}
    return bool(called - _HARMLESS or _RAISING.search(_TO_TEXT.sub("", _TEXTS.sub("", expression))))
