"""
Reading one TOML table strictly, key by key, collecting every mistake instead of stopping at the first.

A table knows which keys were asked for; `close()` makes every other one a mistake. No mistake quotes a value: a URL or a
password may have been written under the wrong key.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from lockgate.nearest import nearest
from lockgate.records import dataclass
from lockgate.settings.lines import Path, line_of

# Timeouts are handed to databases as whole milliseconds in 31 bits, and 0 would mean "no limit" there.
SHORTEST_S = 0.001
LONGEST_S = 2_147_483.0
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")  # package.module:function

_KINDS = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}


@dataclass
class Mistakes:
    """
    The mistakes found so far, each with its place.

    Args:
        lines: line of every path of the file; see `find_lines`.
        prefix: the path of our own table in that file; it is left out of messages.
    """

    file_name: str
    lines: Mapping[Path, int]
    prefix: Path = ()
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, sentence: str, path: Path) -> None:
        """Note one mistake at `path`."""
        self.found.append((self._line(path), f"{sentence} @ {dotted(path) or self.file_name} ({self.where(path)})"))

    def in_order(self) -> list[str]:
        """Return the mistakes from the top of the file to its end."""
        return [sentence for _, sentence in sorted(self.found, key=lambda mistake: mistake[0])]

    def where(self, path: Path) -> str:
        """Return `lockgate.toml:14` for a path, or its nearest parent that is written down."""
        return f"{self.file_name}:{self._line(path)}"

    def _line(self, path: Path) -> int:
        return line_of(self.lines, (*self.prefix, *path))


class Table:
    """
    One table of the settings, read key by key.

    Args:
        path: of the table, below the settings' root.
        mistakes: shared by all tables of one file.
    """

    def __init__(self, values: Mapping[str, Any], path: Path, mistakes: Mistakes) -> None:
        self._values = values
        self._asked: set[str] = set()
        self.path = path
        self.mistakes = mistakes

    def __contains__(self, key: str) -> bool:
        return key in self._values

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that are written, in order."""
        return tuple(self._values)

    @property
    def where(self) -> str:
        """`lockgate.toml:14`."""
        return self.mistakes.where(self.path)

    def wrong(self, key: str, sentence: str) -> None:
        """Note a mistake at one key; at the table itself where `key` is empty."""
        self.mistakes.add(sentence, (*self.path, key) if key else self.path)

    def text(self, key: str, default: str = "", *, required: bool = False, shape: re.Pattern[str] | None = None, like: str = "") -> str:
        """
        Return a text that is not blank.

        Args:
            shape: what the whole text must match.
            like: an example of that shape, for the mistake.
        """
        value = self._take(key, (str,), required)
        if value is None:
            return default
        if not value.strip():
            self.wrong(key, f"`{key}` is empty")
        elif shape and not shape.fullmatch(value):
            self.wrong(key, f"`{key}` must look like {like}")
        else:
            return str(value)
        return default

    def word(self, key: str, words: Iterable[str], default: str) -> str:
        """Return one of `words`."""
        value = self._take(key, (str,), False)
        if value is None or value in (known := tuple(words)):
            return value or default
        self.wrong(key, f"`{key}` must be {_either(known)}{did_you_mean(value, known)}")
        return default

    def flag(self, key: str, default: bool = False) -> bool:
        """Return true or false."""
        value = self._take(key, (bool,), False)
        return default if value is None else bool(value)

    def number(self, key: str) -> float | None:
        """Return a number that is finite; None where there is none."""
        value: float | None = self._take(key, (int, float), False)
        if value is not None and not math.isfinite(value):
            self.wrong(key, f"`{key}` must be a finite number")
            return None
        return value

    def seconds(self, key: str) -> float | None:
        """Return seconds, above 0; None where there are none."""
        value = self.number(key)
        if value is not None and not SHORTEST_S <= value <= LONGEST_S:
            self.wrong(key, f"`{key}` must be a number of seconds above 0, at least {SHORTEST_S} and at most {LONGEST_S:.0f}")
            return None
        return None if value is None else float(value)

    def texts(self, key: str, *, required: bool = False, shape: re.Pattern[str] | None = None, like: str = "") -> tuple[str, ...]:
        """Return a list of texts, none blank, each of `shape`."""
        values = self._take(key, (list,), required)
        for index, value in enumerate(values or ()):
            sentence = _objection_to_item(value, shape, like)
            if sentence:
                self.mistakes.add(f"`{key}` must be a list of texts: {sentence}", (*self.path, key, index))
                return ()
        return tuple(values or ())

    def pairs(self, key: str) -> dict[str, str]:
        """Return a table whose values are all texts."""
        values = self._take(key, (dict,), False)
        for name, value in (values or {}).items():
            if not isinstance(value, str):
                self.mistakes.add(f"`{name}` must be a text, not {_kind_of(value)}", (*self.path, key, name))
                return {}
        return dict(values or {})

    def table(self, key: str) -> Table | None:
        """Return the table below `key`; None where there is none."""
        values = self._take(key, (dict,), False)
        return None if values is None else Table(values, (*self.path, key), self.mistakes)

    def tables(self, key: str) -> list[Table]:
        """Return the list of tables below `key`."""
        values = self._take(key, (list,), False) or ()
        good = []
        for index, value in enumerate(values):
            path: Path = (*self.path, key, index)
            if isinstance(value, dict):
                good.append(Table(value, path, self.mistakes))
            else:
                self.mistakes.add(f"`{key}` must be a list of tables; this is {_kind_of(value)}", path)
        return good

    def raw(self, key: str) -> Any:
        """Return whatever is written under `key`, for values that may be of several kinds; None where there is nothing."""
        self._asked.add(key)
        return self._values.get(key)

    def close(self) -> None:
        """Note every key that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                self.wrong(key, f"unknown key `{key}`{did_you_mean(key, self._asked)}")

    def _take(self, key: str, kinds: tuple[type, ...], required: bool) -> Any:
        self._asked.add(key)
        if key not in self._values:
            if required:
                self.wrong("", f"`{key}` is missing")
            return None
        value = self._values[key]
        # In Python `True` is an int, in TOML it is no number.
        if isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds):
            return value
        self.wrong(key, f"`{key}` must be {_KINDS[kinds[0]]}, not {_kind_of(value)}")
        return None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean `nearest`?)`, or nothing where no known word is near."""
    near = nearest(word, sorted(known))
    return f" (did you mean `{near}`?)" if near else ""


def dotted(path: Path) -> str:
    """Return `smoke.queries[0].sql`; a part that is no bare key is quoted."""
    return "".join(map(_dotted_part, path)).removeprefix(".")


def _dotted_part(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f".{part!r}"


def _either(words: tuple[str, ...]) -> str:
    quoted = [f"`{word}`" for word in words]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def _objection_to_item(value: Any, shape: re.Pattern[str] | None, like: str) -> str:
    if not isinstance(value, str):
        return f"this is {_kind_of(value)}"
    if not value.strip():
        return "this one is empty"
    return f"each must look like {like}" if shape and not shape.fullmatch(value) else ""


def _kind_of(value: Any) -> str:
    return _KINDS.get(type(value), "a date or time")
