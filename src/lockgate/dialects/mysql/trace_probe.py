"""The tracer's looks at a working MariaDB or MySQL connection, and the question which ALGORITHM an ALTER needs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from lockgate.dialects.driver import DriverSession
from lockgate.dialects.mysql.catalog import literal, quoted
from lockgate.dialects.mysql.session import number_of
from lockgate.dialects.mysql.snapshot import snapshot
from lockgate.dialects.mysql.trace_copy import COPY_OF
from lockgate.dialects.trace_names import NamedCatalog, drops
from lockgate.dialects.trace_story import Story
from lockgate.drift.table_items import Column
from lockgate.hazards.command import command_of
from lockgate.hazards.picture import Picture
from lockgate.hazards.reading import COPIED, IN_PLACE, IN_PLACE_SHARED, Moment
from lockgate.permit import Row, Session
from lockgate.words import VersionTable

# Cheapest first, each with what it asks others to wait with, and whether it writes the table anew.
# MariaDB Knowledge Base, InnoDB Online DDL Overview; MySQL 8.0 Reference Manual, 17.12.1. MySQL has no NOCOPY, and says so.
_WAYS = (
    ("INSTANT", "", "ShareUpdateExclusiveLock", 0),
    ("NOCOPY", "NONE", "ShareUpdateExclusiveLock", 0),
    ("INPLACE", "NONE", "ShareUpdateExclusiveLock", IN_PLACE),
    ("NOCOPY", "SHARED", "ShareLock", IN_PLACE_SHARED),
    ("INPLACE", "SHARED", "ShareLock", IN_PLACE_SHARED),
    ("COPY", "SHARED", "ShareLock", COPIED),
    ("COPY", "EXCLUSIVE", "AccessExclusiveLock", COPIED),
)
# Not supported, not supported with a reason, unknown ALGORITHM, unknown LOCK.
_NOT_SO = (1845, 1846, 1800, 1801)
_SYNTAX = 1064
_NAME = r"(?:`(?P<{0}>[^`]+)`|(?P<{0}_>[\w$]+))"
_ALTER = re.compile(rf"\s*alter\s+(?:ignore\s+)?table\s+(?:if\s+exists\s+)?{_NAME.format('table')}", re.I)
_CREATE = re.compile(rf"\s*create\s+(?:unique\s+|fulltext\s+|spatial\s+)?index\b.*?\son\s+{_NAME.format('table')}", re.I | re.S)
# MariaDB's DROP INDEX takes no ALGORITHM.
_DROP = re.compile(rf"\s*drop\s+index\s+(?P<index>(?:if\s+exists\s+)?(?:`[^`]+`|[\w$]+))\s+on\s+{_NAME.format('table')}\s*;?\s*", re.I)
_TRUNCATE = re.compile(rf"\s*truncate\s+(?:table\s+)?{_NAME.format('table')}", re.I)
_CHOSEN = re.compile(r"\b(?:algorithm|lock)\s*=", re.I)
_COMMITS = ("ALTER", "CREATE", "DROP", "RENAME", "TRUNCATE", "OPTIMIZE")


class Catalog(NamedCatalog):
    """Reads pictures; tables are named as on the target, and without a database where there is none."""

    def __init__(self) -> None:
        super().__init__("")
        self._named = False
        self._last: Picture | None = None

    def forget(self) -> None:
        """Know that something is different."""
        self._last = None

    def read(self, session: Session) -> Picture:
        """Read the catalog, unless nothing has changed since the last look."""
        if not self._named:
            named = session.execute(f"select value from lockgate_setting where name = {literal(COPY_OF)}")
            self.schema = str(named[0][0]) if named else ""
            self._named = True
        if self._last is None:
            found = snapshot(session, VersionTable(), ())
            columns: dict[str, set[str]] = {item.name: set() for item in found.tables}
            for column in found.columns:
                columns[column.table].add(column.name)
            views: dict[str, object] = {item.name: None for item in found.views}
            self.follow({**{name: frozenset(names) for name, names in columns.items()}, **views})
            self._last = Picture({item.key: item for item in self.objects(found)})
        return self._last

    def facts(self, item: Any) -> dict[str, Any]:
        facts = super().facts(item)
        # Rows that are there get the type's own empty value, whatever sql_mode says of new ones.
        return {**facts, "implicit": True} if isinstance(item, Column) and item.not_null and not item.default else facts


class DatabaseStory(Story):
    """What probes have to know of one another."""

    def __init__(self) -> None:
        super().__init__()
        self.catalog = Catalog()
        self.say: Callable[[str], object] = str  # to whoever keeps the notices of the statement under way

    @property
    def commits(self) -> bool:
        """Whether the statement under way commits, before and after itself."""
        return command_of(self.statement).startswith(_COMMITS)

    def hear(self, statement: str) -> None:
        super().hear(statement)
        if self.commits:
            self.end()


class _Asking(DriverSession):
    """Reads with parameters, written into the statement: drivers spell them in different ways."""

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> list[Row]:
        """Run one statement; see `lockgate.permit.Session`."""
        for name, value in (params or {}).items():
            sql = sql.replace(f":{name}", literal(str(value)))
        return super().execute(sql)


class MysqlProbe:
    """See `Probe`."""

    def __init__(self, driver_connection: Any, story: DatabaseStory) -> None:
        self._session = _Asking(driver_connection)
        self._story = story
        self._before: Picture | None = None
        self._locks: frozenset[tuple[int, str, bool]] = frozenset()
        self._reasons: dict[int, int] = {}

    def begin(self, counts_rows: bool) -> tuple[str, bool, str]:
        bare = self._story.commits
        return "", bare, self._story.transaction(bare=bare)

    def moment(self, known: Picture | None = None) -> Moment:
        first = self._before is None
        picture = known or self._story.catalog.read(self._session)
        self._before = self._before or picture
        tables = [int(item.key[1:]) for item in picture.objects.values() if item.kind == "table"]
        live = {number: (self._story.catalog.copies.get(number, 0), 0, 0, 0, 0) for number in tables}
        return Moment(picture, frozenset() if first else self._locks, live)

    def run(self, execute: Callable[[str], Any], sql: str) -> Any:
        """Run the statement in the cheapest way that the server accepts, which is the way that it would choose itself."""
        table, text, suffixes = _asked(sql)
        for way, suffix in zip(_WAYS, suffixes, strict=False):
            try:
                result = execute(f"{text}{suffix}")
            except Exception as error:
                if number_of(getattr(error, "orig", error)) in _NOT_SO:
                    continue
                if number_of(getattr(error, "orig", error)) == _SYNTAX:
                    break  # a statement that takes no such option, or a wrong one: its own error is the right one
                raise
            self._story.say(suffix.lstrip(", "))
            self._note(self._story.catalog.number(table), way[2], way[3])
            return result
        result = execute(sql)
        if emptied := _TRUNCATE.match(sql):
            number = self._story.catalog.number(emptied["table"] or emptied["table_"])
            self._note(number, "AccessExclusiveLock", 0)
            self._story.catalog.copied(number)
        return result

    def spared(self) -> AbstractContextManager[None]:
        return nullcontext()  # a statement that fails leaves its transaction as it was

    def end(self) -> str:
        if self._story.commits:
            self._story.catalog.forget()
        after = self._story.catalog.read(self._session)
        entries = [{"rewrite": number, "reason": reason} for number, reason in self._reasons.items()]
        return "\n".join(json.dumps(entry) for entry in (*entries, *drops(self._before or after, after, set())))

    def _note(self, number: int, mode: str, reason: int) -> None:
        if number:
            self._locks = frozenset({(number, mode, True)})
            if reason:
                self._reasons[number] = reason
                self._story.catalog.copied(number)


def _asked(sql: str) -> tuple[str, str, Iterator[str]]:
    """The table of a statement that knows ALGORITHM, the statement as it is asked, and what to put behind it; nothing for any other one."""
    text = sql.rstrip().rstrip(";")
    if drop := _DROP.fullmatch(sql):
        text = f"alter table {quoted(drop['table'] or drop['table_'])} drop index {drop['index']}"
    found = (alter := _ALTER.match(text)) or _CREATE.match(text)
    if not found or _CHOSEN.search(sql):
        return "", sql, iter(())
    comma = "," if alter else ""
    words = ((f"{comma} ALGORITHM={algorithm}", f"{comma} LOCK={lock}" if lock else "") for algorithm, lock, _, _ in _WAYS)
    return found["table"] or found["table_"], text, ("".join(pair) for pair in words)
