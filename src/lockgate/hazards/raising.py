"""Whether an expression may fail for a value."""

from __future__ import annotations

import re

from lockgate.hazards.seen import Change

_TEXTS = re.compile(r"'(?:[^']|'')*'")
_CALLED = re.compile(r"(\w+)\s*\(")
# What is followed by a parenthesis and fails for no value.
_HARMLESS = frozenset("lower upper btrim ltrim rtrim trim coalesce nullif concat and or not in any length md5 now exists".split())
_TO_TEXT = re.compile(r"::(?:text|character varying)(?!\s*\()\b")
_RAISING = re.compile(r"[-+*/%^]|::|\bselect\b", re.I)


def computed(column: Change) -> str:
    """
    Return what a stored generated column holds as an expression that fails where the column does; empty where it never fails, or none tells.

    The catalog does not show the cast to the column's type.
    """
    type_, expression = str(column.after.get("type", "")), str(column.after.get("default", ""))
    return f"cast({expression} as {type_})" if expression and not _is_cut(column) and (may_raise(expression) or type_ != "text") else ""


def may_fail(column: Change) -> bool:
    """Whether a row may have no value that a stored generated column takes."""
    return bool(_is_cut(column) or computed(column))


def _is_cut(column: Change) -> bool:
    """A text that is too long is cut by a cast and refused by the column; a NULL fails for NOT NULL alone."""
    type_ = str(column.after.get("type", ""))
    return bool(column.after.get("not_null") or ("(" in type_ and type_.startswith(("character", "bit"))))


def may_raise(expression: str) -> bool:
    """Whether an expression calculates, casts, or calls what nobody knows; as PostgreSQL prints it."""
    called = {name.lower() for name in _CALLED.findall(expression)}
    return bool(called - _HARMLESS or _RAISING.search(_TO_TEXT.sub("", _TEXTS.sub("", expression))))
