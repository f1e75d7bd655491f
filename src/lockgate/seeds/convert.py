"""
A value of a file -> the value that a column of its kind is sent, or an error that says why not.

Nothing is guessed: a number does not become a text, nor `yes` anything but true. What the server reads better than we do
(dates, UUIDs, enums, ranges) goes to it as text.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import math
import re
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal

from lockgate.errors import UsageError
from lockgate.seeds.rows import Column, FileRow

SHOWN = 40  # characters of a value that an error shows
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.I)
_DIGITS = 4000  # Python refuses to read longer whole numbers
_TRUE = frozenset({"t", "true", "y", "yes", "on", "1"})
_FALSE = frozenset({"f", "false", "n", "no", "off", "0"})
_HEX = re.compile(r"\\x(?:[0-9a-fA-F]{2})*")


class _Unfit(ValueError):
    """Why a value does not fit, as the second half of a sentence."""


def to_cell(value: object, column: Column, masked: bool = False) -> object:
    """
    Convert a value of JSON or YAML for a column.

    Args:
        value: str, int, float, Decimal, bool, None, list, dict, bytes, date, time or datetime.
        masked: whether the column is sensitive: an error then does not show the value.
    Returns:
        None, bool, int, float, bytes or text. A number that no float holds exactly is its text; JSON and arrays are the
        text that PostgreSQL reads; dates are ISO text.
    Raises:
        UsageError: `seed-file`, with column, the value's first 40 characters and the column's type.
    """
    if value is None:
        return None
    try:
        return _FROM_VALUE.get(column.kind, _other)(value, column)
    except _Unfit as error:
        raise _refusal(value, column, masked, error) from error


def from_text(text: str, column: Column, masked: bool = False) -> object:
    """
    Convert a field of a CSV for a column, for databases that cannot read CSV themselves; the caller has dealt with NULL.

    Returns:
        bool, int, float, bytes or text; a number that no float holds exactly stays text.
    Raises:
        UsageError: `seed-file`, as `to_cell()`.
    """
    try:
        return _FROM_TEXT.get(column.kind, _as_it_is)(text, column)
    except _Unfit as error:
        raise _refusal(text, column, masked, error) from error


def cells(row: FileRow, columns: Sequence[Column], where: str = "", sensitive: Collection[str] = ()) -> list[object]:
    """
    Convert a row, in the order of `columns`; a column that it does not have is None.

    Raises:
        UsageError: `seed-file`, with the row's line.
    """
    values = row.values
    try:
        return [to_cell(values.get(column.name), column, column.name in sensitive) for column in columns]
    except UsageError as error:
        raise UsageError(error.code, error.what, f"{where}:{row.line}", error.hint) from error


def _refusal(value: object, column: Column, masked: bool, why: _Unfit) -> UsageError:
    shown = "a value" if masked else f"`{_beginning(value)}`"
    return UsageError(
        "seed-file", f"{shown} does not fit column `{column.name}` ({column.type}): {why}", hint="correct the value in the file"
    )


def _beginning(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _text(value: object, column: Column) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime.date | datetime.time):
        return _iso(value)
    # `1.10` and `0123` would not come out as they were written.
    raise _Unfit(f"it is {_kind(value)}; put it into quotation marks to make it a text")


def _number(value: object, column: Column) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise _Unfit(f"it is {_kind(value)}, not a number")
    if isinstance(value, str):
        return _number_text(value, column)
    return str(value) if isinstance(value, Decimal) else value


def _number_text(text: str, column: Column) -> object:
    text = text.strip()
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) < _DIGITS else text
    if _DECIMAL.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) and repr(number) == text else text
    if _NOT_FINITE.fullmatch(text):
        return text
    raise _Unfit("it is no number" if text else "an empty text is no number")


def _boolean(value: object, column: Column) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _boolean_text(value, column)
    if isinstance(value, int) and value in (0, 1):
        return value == 1
    raise _Unfit(f"it is {_kind(value)}, not true or false")


def _boolean_text(text: str, column: Column) -> object:
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise _Unfit("it is neither true nor false (t, f, true, false, yes, no, on, off, 1, 0)")


def _json(value: object, column: Column) -> object:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return _json_exact(value)


def _json_exact(value: object) -> str:
    """Write JSON whose numbers may be Decimals, digit by digit as they were read."""
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{json.dumps(_json_key(key), ensure_ascii=False)}: {_json_exact(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_json_exact, value)) + "]"
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise _Unfit(f"it has {_kind(value)}, which JSON does not know") from error


def _json_key(key: object) -> str:
    if isinstance(key, str):
        return key
    raise _Unfit("it has a key that is no text")


def _json_text(text: str, column: Column) -> object:
    try:
        json.loads(text, parse_constant=_no_json)
    except (ValueError, RecursionError) as error:
        raise _Unfit("it is no JSON") from error
    return text


def _no_json(constant: str) -> object:
    raise ValueError(constant)


def _bytes(value: object, column: Column) -> object:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return _bytes_text(value, column)
    raise _Unfit(f"it is {_kind(value)}, not bytes")


def _bytes_text(text: str, column: Column) -> object:
    if text.startswith("\\x"):
        if _HEX.fullmatch(text):
            return bytes.fromhex(text[2:])
        raise _Unfit("after `\\x` stand pairs of hexadecimal digits")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _Unfit("it is neither `\\x` with hexadecimal digits nor base64") from error


def _array(value: object, column: Column) -> object:
    if isinstance(value, list):
        return _array_literal(value, column.type.lower().startswith("json"))
    if isinstance(value, str) and re.match(r"\s*[{\[]", value):
        return value
    raise _Unfit(f"it is {_kind(value)}, not a list")


def _array_literal(values: list[object], of_json: bool) -> str:
    """Source: PostgreSQL manual, 8.15.2 Array Value Input: every text in quotes, `\\` before `\\` and `"`."""
    return "{" + ",".join(_element(value, of_json) for value in values) + "}"


def _element(value: object, of_json: bool) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list) and not of_json:
        return _array_literal(value, of_json)
    if of_json or isinstance(value, dict):
        return _quoted(_json_exact(value))
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, int | float | Decimal):
        return str(value)
    return _quoted(str(_other(value, _ANY)))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _other(value: object, column: Column) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime.date | datetime.time):
        return _iso(value)
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    raise _Unfit(f"it is {_kind(value)}; write it as a text")


def _as_it_is(text: str, column: Column) -> object:
    return text


def _iso(value: datetime.date | datetime.time) -> str:
    return value.isoformat(" ") if isinstance(value, datetime.datetime) else value.isoformat()


def _kind(value: object) -> str:
    return next((name for kind, name in _KINDS if isinstance(value, kind)), f"a {type(value).__name__}")


_KINDS = (
    (bool, "true or false"),
    (int | float | Decimal, "a number"),
    (str, "a text"),
    (list, "a list"),
    (dict, "an object"),
    (bytes, "bytes"),
    (datetime.date | datetime.time, "a date or time"),
)
_ANY = Column("", "")
_FROM_VALUE: dict[str, Callable[[object, Column], object]] = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "json": _json,
    "bytes": _bytes,
    "array": _array,
}
_FROM_TEXT: dict[str, Callable[[str, Column], object]] = {
    "number": _number_text,
    "boolean": _boolean_text,
    "json": _json_text,
    "bytes": _bytes_text,
}
