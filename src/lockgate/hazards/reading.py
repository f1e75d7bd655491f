"""What a probe read before and after a statement -> what the statement did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from lockgate.hazards.picture import Origin, Picture
from lockgate.hazards.seen import MODES, Build, Drop, Lock, Relation, Rewrite, Rows, Scan

# Beside PostgreSQL's own bits: Alembic's batch mode, and what MariaDB calls ALGORITHM=COPY and INPLACE, the latter with LOCK=SHARED as well.
BATCH, COPIED, IN_PLACE, IN_PLACE_SHARED = 16, 32, 64, 128
_REASONS = {1: "persistence", 2: "default", 4: "type", 8: "access method", BATCH: "batch"} | {COPIED: "copy", IN_PLACE: "in place", IN_PLACE_SHARED: "in place, writers wait"}
_INNER = ("type", "toast table", "default value", "rule")  # go with a table; "rule" is how a view is stored
_CALLING = ("DO", "SELECT", "CALL", "EXECUTE", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE")  # what may run other statements
_FILE, _SCANS, _INSERTED, _UPDATED, _DELETED = range(5)


@dataclass(frozen=True)
class Moment:
    """
    One look of a probe.

    Args:
        locks: (relation, mode, granted) of this session.
        live: by relation: file, number of sequential scans, rows inserted, updated and deleted in the open transaction.
    """

    picture: Picture
    locks: frozenset[tuple[int, str, bool]]
    live: dict[int, tuple[int, int, int, int, int]]


def read_locks(text: str) -> frozenset[tuple[int, str, bool]]:
    """Read a probe's answer about locks."""
    return frozenset((number, mode, granted) for number, mode, granted in msgspec.json.decode(text))


def read_live(text: str) -> dict[int, tuple[int, int, int, int, int]]:
    """Read a probe's answer about files and counters."""
    return {row[0]: (row[1] or 0, *row[2:]) for row in msgspec.json.decode(text)}


def read_log(text: str | None) -> list[dict[str, Any]]:
    """Read what the event triggers wrote, a JSON object a line."""
    return [msgspec.json.decode(line) for line in (text or "").splitlines() if line]


@dataclass(frozen=True)
class Reading:
    """
    Before and after one statement.

    Args:
        log: of the event triggers.
        command: the statement's first words.
        alone: it ran outside of a transaction, where the server's counters say nothing about it.
        seen: locks that somebody else saw while it ran alone.
        held: locks after the statement before it in the same transaction.
    """

    origin: Origin
    before: Moment
    after: Moment
    log: list[dict[str, Any]]
    command: str
    alone: bool = False
    seen: frozenset[tuple[int, str, bool]] = frozenset()
    held: frozenset[tuple[int, str, bool]] = frozenset()

    def _relation(self, number: int) -> Relation | None:
        return self.origin.relation(number, self.before.picture, self.after.picture)

    def locks(self) -> tuple[Lock, ...]:
        """What was locked that was not before; strongest first."""
        had = {(number, mode) for number, mode, _ in self.before.locks}
        return self._locks(lock for lock in self.after.locks | self.seen if lock[:2] not in had)

    def released(self) -> tuple[Lock, ...]:
        """What was locked after the statement before it, and was not any more when it began; strongest first."""
        return self._locks(self.held - self.before.locks)

    def _locks(self, found: Iterable[tuple[int, str, bool]]) -> tuple[Lock, ...]:
        modes: dict[int, set[str]] = {}
        waited: set[int] = set()
        for number, mode, granted in found:
            if mode in MODES:
                modes.setdefault(number, set()).add(mode)
                waited |= {number} if not granted else set()
        locks = [
            Lock(relation=relation, modes=tuple(sorted(held, key=MODES.index)), waited=number in waited)
            for number, held in modes.items()
            if (relation := self._relation(number))
        ]
        return tuple(sorted(locks, key=lambda lock: (-MODES.index(lock.strongest), lock.relation.path, lock.relation.new)))

    @property
    def _moved(self) -> set[int]:
        """Relations that have another file than before."""
        now, then = self.after.live, self.before.live
        return {number for number in now.keys() & then.keys() if now[number][_FILE] != then[number][_FILE]}

    @property
    def _counted(self) -> dict[int, tuple[int, int, int, int, int]]:
        return {} if self.alone else self.after.live

    def _built(self, table: int) -> list[int]:
        """A table's indexes that were built by this statement: what only got another number keeps its file."""
        files = {live[_FILE] for live in self.before.live.values()}
        numbers = self.after.picture.indexes.get(table, [])
        return [number for number in numbers if (live := self.after.live.get(number)) and live[_FILE] not in files]

    def rewrites(self) -> tuple[Rewrite, ...]:
        """Which heaps got a new file, and why."""
        told = {entry["rewrite"]: entry["reason"] for entry in self.log if "rewrite" in entry}
        heaps = [number for number in self._moved if (item := self.before.picture.relation(number)) and item.kind != "index"]
        found = [
            Rewrite(relation=relation, reason=self._reason(told.get(number, 0), relation.kind), indexes=len(self._built(number)))
            for number in heaps
            if (relation := self._relation(number))
        ]
        return tuple(sorted(found, key=lambda rewrite: rewrite.relation.path))

    def _reason(self, bits: int, kind: str) -> str:
        words = [word for bit, word in _REASONS.items() if bits & bit]
        # A DO block, a function or a procedure cannot VACUUM; CLUSTER in there, which nobody writes, is taken for TRUNCATE.
        return " and ".join(words) or ("truncate" if self.command in ("TRUNCATE", *_CALLING) and kind == "table" else "new file")

    def scans(self) -> tuple[Scan, ...]:
        """Which tables were read from end to end; that a rewritten one is goes without saying."""
        found, moved = [], self._moved
        for number, live in self._counted.items():
            times = live[_SCANS] - self.before.live.get(number, (0, 0, 0, 0, 0))[_SCANS]
            relation = self._relation(number) if times > 0 and number not in moved else None
            if relation and "index" not in relation.kind:
                found.append(Scan(relation=relation, times=times))
        return tuple(sorted(found, key=lambda scan: scan.relation.path))

    def builds(self, concurrently: bool) -> tuple[Build, ...]:
        """Which indexes were built although their table's heap stayed."""
        moved, had = self._moved, self.before.picture.objects
        found = []
        for table in self.after.picture.indexes:
            for number in self._built(table) if table not in moved else []:
                relation, item = self._relation(number), self.after.picture.relation(number)
                if relation and item:
                    again = f"r{number}" in had or any(self.before.picture.path(old) == relation.path for old in self._indexes_before(table))
                    built = Build(relation=relation, unique=item.facts.get("unique", False), concurrently=concurrently, again=again)
                    found.append(built)
        return tuple(sorted(found, key=lambda build: build.relation.path))

    def _indexes_before(self, table: int) -> Iterable[int]:
        return self.before.picture.indexes.get(table, [])

    def drops(self) -> tuple[Drop, ...]:
        """What `sql_drop` told, without what nobody would name; things that were made again under the same name are not dropped."""
        stays = {change.name for change in self.origin.changes(self.before.picture, self.after.picture) if change.how == "recreated"}
        found = []
        for entry in self.log:
            kind = entry.get("drop")
            if kind is None or (kind in _INNER and not entry["named"]) or self._stays(entry, stays):
                continue
            found.append(
                Drop(
                    kind=kind,
                    identity=entry["identity"],
                    schema=entry["schema"] or "",
                    named=entry["named"],
                    cascade=entry["cascade"],
                    new=self._is_new(entry),
                )
            )
        return tuple(found)

    def _stays(self, entry: dict[str, Any], names: set[str]) -> bool:
        if entry["drop"] not in ("index", "table constraint"):
            return False
        item = self.before.picture.objects.get(f"r{entry['id']}") or self.before.picture.objects.get(f"c{entry['id']}")
        # A column's own "not null" is a constraint of its own since PostgreSQL 18; the change of the column says it.
        return item is not None and (item.name in names or item.facts.get("kind") == "not null")

    def _is_new(self, entry: dict[str, Any]) -> bool:
        if "key" in entry:
            return self.origin.is_new(entry["key"])
        letters = {"table": "r", "index": "r", "view": "r", "materialized view": "r", "sequence": "r", "table constraint": "c", "type": "y"}
        letter = letters.get(entry["drop"])
        if entry["drop"] == "table column":
            letter = "r"  # a column goes with the number of its table
        return letter is not None and self.origin.is_new(f"{letter}{entry['id']}")

    def written(self) -> tuple[Rows, ...]:
        """Whose rows were written."""
        found = []
        for number, live in self._counted.items():
            then = self.before.live.get(number, (0, 0, 0, 0, 0))
            inserted, updated, deleted = (live[place] - then[place] for place in (_INSERTED, _UPDATED, _DELETED))
            relation = self._relation(number) if inserted > 0 or updated > 0 or deleted > 0 else None
            if relation:
                found.append(Rows(relation=relation, inserted=max(inserted, 0), updated=max(updated, 0), deleted=max(deleted, 0)))
        return tuple(sorted(found, key=lambda rows: rows.relation.path))
