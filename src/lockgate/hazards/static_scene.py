"""What the text of revisions tells while it is read: tables that are theirs, names that changed, and what one statement seems to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lockgate.hazards.findings import Severity
from lockgate.hazards.seen import MODES, Build, Change, Drop, Fault, Lock, Relation, Rewrite, Scan

EXCLUSIVE = "AccessExclusiveLock"
ROW_EXCLUSIVE = "ShareRowExclusiveLock"
SHARE = "ShareLock"
MILD = "ShareUpdateExclusiveLock"
WRITING = "RowExclusiveLock"
_TEMPORARY = "pg_temp"


@dataclass(frozen=True)
class Doubt:
    """
    What is to be said beside a finding of one rule, because the text does not tell.

    Args:
        severity: of the finding.
        what: added to the finding's own words, or put in their place.
        instead: `what` and `safer` stand alone.
    """

    severity: Severity
    what: str
    instead: bool = False
    safer: str = ""


@dataclass
class Draft:
    """
    What one statement seems to do, as far as its text tells.

    Args:
        doubts: by rule.
    """

    modes: dict[Relation, set[str]] = field(default_factory=dict)
    rewrites: list[Rewrite] = field(default_factory=list)
    scans: list[Scan] = field(default_factory=list)
    builds: list[Build] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    fault: Fault | None = None
    doubts: dict[str, Doubt] = field(default_factory=dict)

    def lock(self, relation: Relation, mode: str) -> None:
        """Take a lock."""
        self.modes.setdefault(relation, set()).add(mode)

    @property
    def works(self) -> bool:
        """Whether it does what takes longer on a larger table that is there already, by all that the text says."""
        doubtful = any(doubt.severity is Severity.NOTE for doubt in self.doubts.values())
        tables = [*(rewrite.relation for rewrite in self.rewrites), *(scan.relation for scan in self.scans)]
        return not doubtful and any(not table.new for table in tables)

    def locks(self) -> tuple[Lock, ...]:
        """Return the locks, the strongest first."""
        found = [Lock(relation=relation, modes=tuple(sorted(modes, key=MODES.index))) for relation, modes in self.modes.items()]
        return tuple(sorted(found, key=lambda lock: (-MODES.index(lock.strongest), lock.relation.path)))

    def scan(self, relation: Relation) -> None:
        """Read a table from end to end."""
        self.scans.append(Scan(relation=relation))

    def rewrite(self, relation: Relation, reason: str) -> None:
        """Write a table anew."""
        self.rewrites.append(Rewrite(relation=relation, reason=reason))

    def build(self, table: Relation, name: str, *, unique: bool = False, concurrently: bool = False) -> None:
        """Build an index of a table."""
        index = Relation(schema=table.schema, name=name, kind="index", new=True, table=table.original or table.path)
        self.builds.append(Build(relation=index, unique=unique, concurrently=concurrently))
        if not concurrently:
            self.scan(table)

    def change(self, how: str, kind: str, table: Relation, name: str, before: Any = None, after: Any = None) -> None:
        """Change what belongs to a table."""
        self.changes.append(
            Change(
                how=how,
                kind=kind,
                schema=table.schema,
                name=name,
                table=table.name,
                original=table.original,
                new=table.new,
                before=before or {},
                after=after or {},
            )
        )

    def rename(self, kind: str, owner: Relation, old: str, new: str) -> None:
        """Call something by another name."""
        change = Change(
            how="renamed", kind=kind, schema=owner.schema, name=new, table=owner.name, original=owner.original, old_name=old, new=owner.new
        )
        self.changes.append(change)

    def drop(self, kind: str, identity: str, schema: str, *, new: bool, more: bool) -> None:
        """
        Drop what the statement names.

        Args:
            more: CASCADE takes along what the text does not name.
        """
        self.drops.append(Drop(kind=kind, identity=identity, schema=schema, named=True, new=new))
        if more and not new:
            self.drops.append(Drop(kind="dependents", identity=identity, schema=schema, cascade=True))
            what = f"CASCADE also drops whatever depends on `{identity}`; what that is, is not in the text"
            self.doubts["LG302"] = Doubt(
                Severity.WARNING, what, instead=True, safer="# leave CASCADE out and drop by name what the server then names"
            )

    def outside_only(self, what: str, autocommit: bool) -> None:
        """Note a statement that no transaction may hold."""
        if not autocommit:
            self.fault = Fault(message=f"{what} cannot run inside a transaction block", state="25001")


class Scene:
    """What is known of the database by the statements read so far."""

    def __init__(self) -> None:
        self._new: set[str] = set()
        self._names: dict[str, str] = {}
        self.columns: set[tuple[str, str]] = set()
        self.proofs: dict[tuple[str, str], str] = {}
        self.proved: set[tuple[str, str]] = set()
        self.owners: dict[str, Relation] = {}  # tables by the qualified names of indexes
        self.labels: dict[int, set[str]] = {}

    def named(self, names: Sequence[str], kind: str = "table") -> Relation:
        """
        Return a relation by its name, with its schema in front where the text says it.

        A name without a schema is looked up in `public`: the search path is the database's.
        """
        name, schema = names[-1], names[-2] if len(names) > 1 else ""
        if not schema:
            schema = _TEMPORARY if f"{_TEMPORARY}.{name}" in self._new else "public"
        path = f"{schema}.{name}"
        new = path in self._new
        return Relation(schema=schema, name=name, kind=kind, new=new, original="" if new else self._names.get(path, path))

    def relation(self, node: Any, kind: str = "table") -> Relation:
        """Return the relation that a `RangeVar` names."""
        return self.named([part for part in (node.schemaname, node.relname) if part], kind)

    def make(self, node: Any, kind: str = "table") -> Relation:
        """Note a relation that is made from now on."""
        schema = _TEMPORARY if node.relpersistence == "t" else node.schemaname or "public"
        return self.note(f"{schema}.{node.relname}", kind)

    def note(self, path: str, kind: str) -> Relation:
        """Note that whatever has this name is new."""
        self._new.add(path)
        return self.named(path.split(".", 1), kind)

    def is_new(self, path: str) -> bool:
        """Whether the statements read so far have made it."""
        return path in self._new

    def rename(self, relation: Relation, schema: str, name: str) -> Relation:
        """Note a relation's other name."""
        path = f"{schema}.{name}"
        if relation.new:
            self._new.add(path)
        else:
            self._names[path] = relation.original
        return self.named([schema, name], relation.kind)
