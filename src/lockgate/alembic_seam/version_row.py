"""Alembic's write of the version row, held back until lockgate's own row is written: one statement for both."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from alembic.runtime import migration
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from lockgate.dialects.alchemy import AlchemySession
from lockgate.permit import Permit
from lockgate.words import VersionChange

ROOM = 32  # characters in Alembic's own column; what is longer fails in Alembic's own statement, not in one that nobody knows
_ODD = re.compile(r"[:%\\]")  # drivers and SQLAlchemy read a parameter into it


def can_be_held(permit: Permit, change: VersionChange) -> bool:
    """Whether one statement can write both rows: the server knows the table by this name, and makes nothing else of a write to it."""
    connection: Connection = cast("AlchemySession", permit.session).connection
    if connection.get_execution_options().get("schema_translate_map") or _ODD.search(change.table):
        return False
    return not permit.session.execute(permit.spelling.rules.format(change.table.replace("'", "''")))


@contextmanager
def held_back(hold: Callable[[MigrationContext, VersionChange], bool]) -> Iterator[None]:
    """
    While the block runs, ask about each row that Alembic is about to change in its version table.

    There is no public way to it: Alembic makes its HeadMaintainer itself, within the function that runs the steps.

    Args:
        hold: whether the caller takes the change over; False lets Alembic write it.
    """
    original = migration.HeadMaintainer

    class Held(original):  # type: ignore[misc, valid-type]
        def _update_version(self, from_: str, to_: str) -> None:
            if not hold(self.context, VersionChange(_quoted(self.context), from_, to_)):
                super()._update_version(from_, to_)
                return
            self.heads.remove(from_)
            self.heads.add(to_)

    migration.HeadMaintainer = Held  # type: ignore[misc]
    try:
        yield
    finally:
        migration.HeadMaintainer = original  # type: ignore[misc]


def _quoted(context: Any) -> str:
    name: str = context.dialect.identifier_preparer.format_table(context._version)
    return name
