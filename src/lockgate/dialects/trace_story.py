"""The statement under way and the transaction it is in, for databases that number no transactions."""

from __future__ import annotations

from itertools import count
from typing import Any

from lockgate.dialects.alchemy import OURS


class Story:
    """Hears of every engine of this process; one object per process."""

    def __init__(self) -> None:
        self.statement = ""
        self._ended = 0
        self._alone = count(1)

    def listen(self) -> None:
        """Begin to hear, until the process ends."""
        from sqlalchemy import event  # not above: who only copies a schema needs no SQLAlchemy
        from sqlalchemy.engine import Engine

        def before(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
            if context is None or not OURS.items() <= context.execution_options.items():
                self.hear(statement)

        def ended(connection: Any) -> None:
            self.end()

        event.listen(Engine, "before_cursor_execute", before)
        event.listen(Engine, "commit", ended)
        event.listen(Engine, "rollback", ended)

    def hear(self, statement: str) -> None:
        """A statement is about to run."""
        self.statement = statement

    def end(self) -> None:
        """A transaction ends."""
        self._ended += 1

    def transaction(self, *, bare: bool) -> str:
        """Name the open transaction, or the statement that is one by itself."""
        return f"alone {next(self._alone)}" if bare else f"transaction {self._ended}"
