"""
A schema as frozen values: read by a dialect, kept as JSON, compared by `compare`.

Texts are as the server prints them, so two snapshots can be compared where both come from servers of one major version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, TypeVar

import msgspec

from lockgate.drift.items import Domain, Enum, Extension, Grant, Item, Routine, Schema, Sequence, Statistics, Type, View
from lockgate.drift.table_items import Column, Constraint, Index, Policy, Relation, Rule, Trigger
from lockgate.errors import UsageError

FORMAT = 1
T = TypeVar("T", bound=Item)


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    All that is in a database but rows: no registry, no version table, no members of extensions.

    Args:
        format: of the JSON; 1.
        product: the dialect's name.
        server: major version of the server, which decides how texts are printed.
        heads: revisions that were applied when it was read, sorted.
        alters: whether the database can change columns and constraints of a table that is there.
        grants_read: whether `grants` were asked for; otherwise it is empty and says nothing.
    """

    format: int = FORMAT
    product: str
    server: str
    heads: tuple[str, ...] = ()
    alters: bool = True
    grants_read: bool = False
    schemas: tuple[Schema, ...] = ()
    extensions: tuple[Extension, ...] = ()
    enums: tuple[Enum, ...] = ()
    domains: tuple[Domain, ...] = ()
    types: tuple[Type, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    tables: tuple[Relation, ...] = ()
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    views: tuple[View, ...] = ()
    routines: tuple[Routine, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    policies: tuple[Policy, ...] = ()
    rules: tuple[Rule, ...] = ()
    statistics: tuple[Statistics, ...] = ()
    grants: tuple[Grant, ...] = ()

    LISTS: ClassVar[dict[type[Item], str]] = {
        Schema: "schemas",
        Extension: "extensions",
        Enum: "enums",
        Domain: "domains",
        Type: "types",
        Sequence: "sequences",
        Relation: "tables",
        Column: "columns",
        Constraint: "constraints",
        Index: "indexes",
        View: "views",
        Routine: "routines",
        Trigger: "triggers",
        Policy: "policies",
        Rule: "rules",
        Statistics: "statistics",
        Grant: "grants",
    }

    def items(self) -> Iterator[Item]:
        """Yield every object: kinds in the order of the fields, within a kind by name."""
        for name in self.LISTS.values():
            yield from getattr(self, name)

    def of(self, kind: type[T]) -> tuple[T, ...]:
        """Return the objects of one kind, by name."""
        found: tuple[T, ...] = getattr(self, self.LISTS[kind])
        return found

    @property
    def digest(self) -> str:
        """SHA-256 of the schema alone, in hexadecimal; heads and server do not count."""
        return hashlib.sha256(b"\n".join(map(_line, self.items()))).hexdigest()


def make_snapshot(items: Iterable[Item], **facts: Any) -> Snapshot:
    """
    Put objects, in any order, into a snapshot.

    Args:
        facts: the fields of `Snapshot` that are no lists of objects.
    """
    lists: dict[str, list[Item]] = {name: [] for name in Snapshot.LISTS.values()}
    for item in items:
        lists[Snapshot.LISTS[type(item)]].append(item)
    ordered: dict[str, Any] = {name: tuple(sorted(found, key=lambda item: item.key)) for name, found in lists.items()}
    return Snapshot(**facts, **ordered)


def write_json(snapshot: Snapshot) -> str:
    """Return the snapshot as JSON with a line per object, so that a version control's diff names the objects that changed."""
    facts = {name: getattr(snapshot, name) for name in ("format", "product", "server", "heads", "alters", "grants_read")}
    lines = [f"{_text(name)}: {_text(value)}" for name, value in facts.items()]
    for name in Snapshot.LISTS.values():
        found = getattr(snapshot, name)
        if found:
            lines.append(f"{_text(name)}: [\n  " + ",\n  ".join(map(_text, found)) + "\n]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def read_json(text: str, where: str = "") -> Snapshot:
    """
    Read what `write_json` wrote.

    Args:
        where: the file, for the error.
    Raises:
        UsageError: `snapshot-invalid`, also for a format that is newer than this lockgate.
    """
    try:
        found = msgspec.json.decode(text, type=Snapshot)
    except msgspec.DecodeError as error:  # its subclass ValidationError names the place
        hint = "write it again: lockgate drift ENV --save FILE"
        raise UsageError("snapshot-invalid", f"this is no snapshot that can be read: {error}", where, hint) from error
    if found.format != FORMAT:
        what = f"this snapshot has format {found.format}, this lockgate reads {FORMAT}"
        raise UsageError("snapshot-invalid", what, where, "pip install --upgrade lockgate")
    return found


def _line(item: Item) -> bytes:
    return type(item).word.encode() + b" " + msgspec.json.encode(item)


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
