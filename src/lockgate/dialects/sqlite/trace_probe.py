"""The tracer's looks at a working SQLite connection, through whatever driver it came."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from lockgate.dialects.driver import DriverSession
from lockgate.dialects.sqlite.trace_batch import TEMPORARY, copied_columns
from lockgate.dialects.sqlite.trace_picture import THE_FILE, Catalog
from lockgate.dialects.trace_names import drops
from lockgate.dialects.trace_story import Story
from lockgate.hazards.command import command_of, is_control
from lockgate.hazards.picture import Picture
from lockgate.hazards.reading import BATCH, Moment
from lockgate.permit import Row

_WRITTEN = re.compile(r"\b(?:into|update(?:\s+or\s+\w+)?|delete\s+from)\s+(?:main\.)?(\"(?:[^\"]|\"\")+\"|[\w.]+)", re.I)
_INSERTED, _UPDATED, _DELETED = range(3)
_KINDS = {"INSERT": _INSERTED, "REPLACE": _INSERTED, "UPDATE": _UPDATED, "DELETE": _DELETED}
# BEGIN IMMEDIATE keeps all other writers out, readers can go on: what PostgreSQL calls EXCLUSIVE.
_LOCK = frozenset({(THE_FILE, "ExclusiveLock", True)})


class FileStory(Story):
    """What probes have to know of one another."""

    def __init__(self) -> None:
        super().__init__()
        self.catalog = Catalog()
        self.written: dict[int, list[int]] = {}
        self.locked_in = ""

    def hear(self, statement: str) -> None:
        super().hear(statement)
        if is_control(command_of(statement)):
            self.catalog.forget()
        table, sources = copied_columns(statement)
        if table:
            self.catalog.sources[table] = sources

    def end(self) -> None:
        super().end()
        self.catalog.forget()


class _Asking(DriverSession):
    """Reads with parameters, in plain tuples."""

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> list[Row]:
        """Run one statement; see `lockgate.permit.Session`."""
        cursor = self.connection.cursor()
        try:
            if hasattr(cursor, "row_factory"):
                cursor.row_factory = None  # rows as the project likes them may have no order
            cursor.execute(sql, dict(params or {}))
            return [tuple(row) for row in cursor.fetchall()]
        finally:
            cursor.close()


class SqliteProbe:
    """See `Probe`."""

    def __init__(self, driver_connection: Any, story: FileStory) -> None:
        self._session = _Asking(driver_connection)
        self._story = story
        self._bare = False
        self._transaction = ""
        self._before: Picture | None = None
        self._copies: dict[int, int] = {}
        self._changed = 0

    def begin(self, counts_rows: bool) -> tuple[str, bool, str]:
        driver = getattr(self._session.connection, "driver_connection", self._session.connection)  # an async driver's adapter does not tell
        self._bare = not driver.in_transaction
        self._transaction = self._story.transaction(bare=self._bare)
        self._changed = self._total()
        return "", self._bare, self._transaction

    def moment(self, known: Picture | None = None) -> Moment:
        first, story = self._before is None, self._story
        picture = known or story.catalog.read(self._session)
        if first:
            self._before, self._copies = picture, dict(story.catalog.copies)
        locked = story.locked_in == self._transaction if first else self._locks(picture)
        if not first and locked:
            story.locked_in = self._transaction
        return Moment(picture, _LOCK if locked else frozenset(), self._live(picture))

    def run(self, execute: Callable[[str], Any], sql: str) -> Any:
        return execute(sql)

    def spared(self) -> AbstractContextManager[None]:
        return nullcontext()  # a statement that fails leaves its transaction as it was

    def end(self) -> str:
        after = self._story.catalog.read(self._session)
        self._count()
        copied = {number for number, times in self._story.catalog.copies.items() if times != self._copies.get(number, 0)}
        entries = [{"rewrite": number, "reason": BATCH} for number in copied]
        return "\n".join(json.dumps(entry) for entry in (*entries, *drops(self._before or after, after, copied)))

    def _total(self) -> int:
        return int(str(self._session.execute("select total_changes()")[0][0]))

    def _locks(self, after: Picture) -> bool:
        """Whether others have to wait with their writing; a statement alone locks the file if it writes."""
        return not self._bare or after is not self._before or self._total() != self._changed

    def _live(self, picture: Picture) -> dict[int, tuple[int, int, int, int, int]]:
        tables = [int(item.key[1:]) for item in picture.objects.values() if item.kind == "table"]
        written, copies = self._story.written, self._story.catalog.copies
        return {number: (copies.get(number, 0), 0, *written.get(number, (0, 0, 0))) for number in tables}

    def _count(self) -> None:
        """Add up rows written, those of triggers too, for the table that the statement names."""
        named = _WRITTEN.search(self._story.statement)
        command = re.search(r"\b(insert|replace|update|delete)\b", self._story.statement, re.I)
        changed = self._total() - self._changed
        name = named[1].strip('"') if named else ""
        if changed and command and name and not name.startswith(TEMPORARY):
            counts = self._story.written.setdefault(self._story.catalog.number(name), [0, 0, 0])
            counts[_KINDS[command[1].upper()]] += changed
