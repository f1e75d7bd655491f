"""What a statement returned -> JSON text and back, so that a resumed revision gets the answers that it got before."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

MOST_ROWS = 2000
MOST_CHARACTERS = 200_000


@dataclass(frozen=True)
class Answer:
    """
    What a cursor holds after a statement.

    Args:
        columns: name and the driver's number of the type; None for a statement without a result.
        rows: in the driver's own values.
        error: name of the driver's class, number and sentence, where the server refused and the revision went on.
    """

    columns: tuple[tuple[str, object], ...] | None = None
    rows: tuple[tuple[object, ...], ...] = ()
    rowcount: int = -1
    lastrowid: int | None = None
    error: tuple[str, int, str] | None = None


_WRITE: tuple[tuple[type, str, Callable[[object], object]], ...] = (
    (bytes, "b", lambda value: base64.b64encode(value).decode()),  # type: ignore[arg-type]
    (datetime, "dt", lambda value: value.isoformat()),  # type: ignore[attr-defined]
    (date, "d", lambda value: value.isoformat()),  # type: ignore[attr-defined]
    (time, "t", lambda value: value.isoformat()),  # type: ignore[attr-defined]
    (timedelta, "td", lambda value: [value.days, value.seconds, value.microseconds]),  # type: ignore[attr-defined]
    (Decimal, "n", str),
    (UUID, "u", str),
    (list, "l", lambda value: [_written(item) for item in value]),  # type: ignore[attr-defined]
    (dict, "j", lambda value: json.dumps(value)),
)
_READ: dict[str, Callable[..., object]] = {
    "b": base64.b64decode,
    "dt": datetime.fromisoformat,
    "d": date.fromisoformat,
    "t": time.fromisoformat,
    "td": lambda parts: timedelta(*parts),
    "n": Decimal,
    "u": UUID,
    "l": lambda items: [_read(item) for item in items],
    "j": json.loads,
}


def to_text(answer: Answer) -> str:
    """Return the answer as JSON; empty where it is too large, or holds what JSON cannot tell."""
    if len(answer.rows) > MOST_ROWS:
        return ""
    try:
        rows = [[_written(value) for value in row] for row in answer.rows]
        text = json.dumps([answer.columns, rows, answer.rowcount, answer.lastrowid, answer.error])
    except (TypeError, ValueError):
        return ""
    return text if len(text) <= MOST_CHARACTERS else ""


def from_text(text: str) -> Answer:
    """Read `to_text()`; an empty text is a statement that returned nothing."""
    if not text:
        return Answer(rowcount=0)
    columns, rows, rowcount, lastrowid, error = json.loads(text)
    named = None if columns is None else tuple((str(name), code) for name, code in columns)
    return Answer(named, tuple(tuple(map(_read, row)) for row in rows), rowcount, lastrowid, tuple(error) if error else None)


def _written(value: object) -> object:
    if value is None or type(value) in (bool, int, float, str):
        return value
    for kind, word, write in _WRITE:
        if type(value) is kind:
            return {word: write(value)}
    raise TypeError(type(value).__name__)


def _read(value: object) -> object:
    if isinstance(value, dict):
        ((word, written),) = value.items()
        return _READ[word](written)
    return value


def columns_of(description: Sequence[Sequence[object]] | None) -> tuple[tuple[str, object], ...] | None:
    """Return name and type of each column of a DB-API cursor's description."""
    return None if description is None else tuple((str(column[0]), column[1]) for column in description)
