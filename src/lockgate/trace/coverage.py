"""Which lines of a revision's function ran: what did not run, the plan knows nothing about."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any


class Coverage:
    """
    Lines of one function of one file, the functions inside it and those of the file that it calls included.

    Args:
        file: of the revision.
        function: `upgrade` or `downgrade`.
    """

    def __init__(self, file: str, function: str) -> None:
        self._file = file
        self._function = function
        self._code: dict[CodeType, set[int]] = {}

    def start(self) -> None:
        """Watch this thread from now on."""
        sys.settrace(self._called)

    def stop(self) -> None:
        """Watch nothing any more."""
        sys.settrace(None)

    def not_run(self) -> tuple[int, ...]:
        """Lines that did not run, sorted; none where the function itself was never called."""
        codes = {inner for code in self._code if code.co_name == self._function for inner in _within(code)} | self._code.keys()
        ran = {line for lines in self._code.values() for line in lines}
        known = {line for code in codes for line in _lines(code)}
        return tuple(sorted(known - ran))

    def _called(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if code.co_filename != self._file or (code.co_name == "<module>"):
            return None
        lines = self._code.setdefault(code, set())

        def ran(frame: FrameType, event: str, argument: Any) -> Any:
            if event == "line":
                lines.add(frame.f_lineno)
            return ran

        return ran


def _within(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _within(constant)


def _lines(code: CodeType) -> set[int]:
    """Lines with instructions, the `def` itself left out."""
    return {line for _, _, line in code.co_lines() if line is not None and line != code.co_firstlineno}
