"""
Pictures of a SQLite catalog.

SQLite numbers nothing but the root page of a table, which a rename keeps and a later table may get again. A table that batch mode is making is
none: it is the old one, with another definition, from the moment when the old one goes.
"""

from __future__ import annotations

from collections.abc import Mapping

from lockgate.dialects.sqlite.snapshot import snapshot
from lockgate.dialects.sqlite.trace_batch import TEMPORARY
from lockgate.dialects.trace_names import NamedCatalog
from lockgate.hazards.picture import Object, Picture
from lockgate.hazards.seen import FILE
from lockgate.permit import Session
from lockgate.words import VersionTable

THE_FILE = 1  # the number of the file itself
_ROOTS = "select name, rootpage, sql from sqlite_master where name not like 'sqlite\\_%' escape '\\' and type in ('table', 'view')"


class Catalog(NamedCatalog):
    """Reads pictures."""

    def __init__(self) -> None:
        super().__init__("main")
        self._swapped: set[str] = set()
        self._last: tuple[object, Picture] | None = None
        self.sources: dict[str, dict[str, str]] = {}  # by table: what batch mode filled its columns from

    def forget(self) -> None:
        """Know that a rollback, or anything else that no statement of a revision says, may have changed the file."""
        self._last = None

    def read(self, session: Session) -> Picture:
        """Read the catalog, unless it is as it was at the last look."""
        version = session.execute("pragma schema_version")[0][0]
        if self._last is None or self._last[0] != version:
            self._last = (version, self._read(session))
        return self._last[1]

    def number(self, name: str) -> int:
        return super().number(name.lower().removeprefix(TEMPORARY))

    def _read(self, session: Session) -> Picture:
        found = snapshot(session, VersionTable(), ())
        rows = [(str(name), int(str(root or 0)), str(sql).lower()) for name, root, sql in session.execute(_ROOTS)]
        aliases = _aliases([name for name, _, _ in rows], tuple(f"{name}_" for name, _, sql in rows if sql.startswith("create virtual table")))
        self.follow({aliases[name]: root or None for name, root, _ in rows if aliases[name]})
        swapped = {shown.lower() for name, shown in aliases.items() if shown and shown != name}
        just_now = swapped - self._swapped
        for name in just_now:
            self.copied(self.number(name))
        self._swapped = swapped
        objects = list(self.objects(found, aliases, {name: self.sources.get(name, {}) for name in just_now}))
        the_file = Object("file", f"r{THE_FILE}", 0, "", FILE, {"kind": FILE})
        return Picture({item.key: item for item in (the_file, *objects)})


def _aliases(names: list[str], shadows: tuple[str, ...]) -> Mapping[str, str]:
    """
    Name relations as they are shown: batch mode's table as the old one where that is gone, and not at all before.

    Args:
        shadows: how tables begin that belong to a virtual one, and are not shown.
    """
    there = {name.lower() for name in names}
    shown = {}
    for name in names:
        base = name[len(TEMPORARY) :] if name.startswith(TEMPORARY) else ""
        shown[name] = name if not base else "" if base.lower() in there else base
        if shadows and name.startswith(shadows):
            shown[name] = ""
    return shown
