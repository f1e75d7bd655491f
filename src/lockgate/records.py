"""
Dataclasses that are put together when the first one of their kind is made.

Python writes and compiles six methods for each frozen dataclass, which takes longer than reading the module that it stands in; a call
makes few of the kinds that its modules define. From the first instance on they are `dataclasses` like any other.
"""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

_ONE_AT_A_TIME = threading.RLock()

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls: type | None = None, /, **options: Any) -> Any:
        """Do what `dataclasses.dataclass` does, with the same options, but later."""

        def later(cls: type) -> type:
            cls.__new__ = _first(cls, options)
            # A dataclass takes over the fields of its bases: they must be there by then.
            cls.__init_subclass__ = classmethod(lambda other, **words: _finished(cls, options, other, words))
            return cls

        return later(cls) if cls is not None else later


def _first(cls: type, options: dict[str, Any]) -> Any:
    def __new__(made: type, *values: object, **named: object) -> Any:
        _finish(cls, options)
        return object.__new__(made)

    return __new__


def _finished(cls: type, options: dict[str, Any], other: type, words: dict[str, Any]) -> None:
    _finish(cls, options)
    super(cls, other).__init_subclass__(**words)  # type: ignore[arg-type]


def _finish(cls: type, options: dict[str, Any]) -> None:
    with _ONE_AT_A_TIME:
        if "__dataclass_fields__" not in vars(cls):
            dataclasses.dataclass(**options)(cls)
            del cls.__init_subclass__
            # Last, so that another thread waits here. Not deleted: Python would then ask `object.__new__`, which takes no arguments
            # from a class that once had its own.
            cls.__new__ = _plain  # type: ignore[assignment]


def _plain(cls: type, *values: object, **named: object) -> Any:
    return object.__new__(cls)
