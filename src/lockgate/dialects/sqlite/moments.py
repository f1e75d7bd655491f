"""SQLite's own clock, as a second run of a script would read it later."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

_CLOCKS = {"date": 0, "time": 0, "datetime": 0, "julianday": 0, "unixepoch": 0, "strftime": 1}  # function -> place of its moment
_WORDS = {"current_date": "date", "current_time": "time", "current_timestamp": "datetime"}
_days = itertools.count(1)


@contextmanager
def later(connection: sqlite3.Connection) -> Iterator[None]:
    """
    Let `'now'` and `current_timestamp` be a later day, another one each time; defaults and triggers read them as well.

    The functions stay replaced for the life of the connection, because SQLite does not find its own again behind one that was
    taken away; afterwards they tell the true time.
    """
    _replace(connection, (f"+{next(_days)} days", "+61 minutes"))
    try:
        yield
    finally:
        _replace(connection, ())


def _replace(connection: sqlite3.Connection, moved: tuple[str, ...]) -> None:
    clock = sqlite3.connect(":memory:")
    for name, place in _CLOCKS.items():
        connection.create_function(name, -1, partial(_told, clock, name, place, moved), deterministic=True)
    for word, name in _WORDS.items():
        connection.create_function(word, 0, partial(_told, clock, name, 0, moved), deterministic=True)


def _told(clock: sqlite3.Connection, name: str, place: int, moved: tuple[str, ...], *given: object) -> str | float | None:
    arguments = list(given)
    if len(arguments) <= place:
        arguments.append("now")
    if str(arguments[place]).lower() == "now":
        arguments[place + 1 : place + 1] = moved
    answer: str | float | None = clock.execute(f"select {name}({', '.join('?' * len(arguments))})", arguments).fetchone()[0]
    return answer
