"""Effects for tests of judging, written by hand in few words."""

from __future__ import annotations

from typing import Any

from lockgate.hazards.effects import Effect, Effects, RevisionEffects, Size
from lockgate.hazards.findings import Finding, Findings, Limits
from lockgate.hazards.judge import judge
from lockgate.hazards.seen import MODES, Build, Change, Drop, Fault, Lock, Relation, Rewrite, Scan

AE, EX, SRE, S, SUE, RE, RS = (
    mode + "Lock"
    for mode in ("AccessExclusive", "Exclusive", "ShareRowExclusive", "Share", "ShareUpdateExclusive", "RowExclusive", "RowShare")
)
FILE = "migrations/versions/r1.py"


def table(name: str, *, kind: str = "table", new: bool = False, original: str = "") -> Relation:
    """A table of the schema `public`, or of the one that is named."""
    schema, _, short = name.rpartition(".")
    path = f"{schema or 'public'}.{short}"
    return Relation(schema=schema or "public", name=short, kind=kind, new=new, original="" if new else original or path)


def index(name: str, of: str, *, new: bool = False) -> Relation:
    """An index."""
    return Relation(schema="public", name=name, kind="index", new=new, table=f"public.{of}", original="" if new else f"public.{name}")


def lock(mode: str, name: str, **facts: Any) -> Lock:
    """A lock; what ALTER TABLE takes on the way to its strongest mode is left out."""
    assert mode in MODES
    return Lock(relation=table(name, **facts), modes=(mode,))


def change(how: str, kind: str, name: str, /, *, new: bool = False, old_name: str = "", before: Any = None, **after: Any) -> Change:
    """A change of `table.name`, or of `name` where it is nobody's; `new` where its table, or itself, is the plan's own."""
    owner, _, own = name.rpartition(".")
    mine = not owner
    original = "" if new or (mine and how == "added") else f"public.{owner or old_name or own}"
    return Change(
        how=how, kind=kind, schema="public", name=own, table=owner, original=original, old_name=old_name,
        new=new or (mine and how == "added"), before=before or {}, after=after,
    )  # fmt: skip


def column(name: str, type_: str, **facts: Any) -> Change:
    """A new column of a live table."""
    return change("added", "column", name, type=type_, **facts)


def retyped(name: str, was: str, now: str) -> Change:
    """A column with another type."""
    return change("altered", "column", name, before={"type": was}, type=now)


def constraint(kind: str, name: str, /, **facts: Any) -> Change:
    """A new constraint of a live table."""
    return change("added", "constraint", name, **{"kind": kind, "valid": True, **facts})


def drop(kind: str, identity: str, *, named: bool = True, cascade: bool = False, new: bool = False) -> Drop:
    """What `sql_drop` tells."""
    return Drop(kind=kind, identity=f"public.{identity}", schema="public", named=named, cascade=cascade, new=new)


def rewrite(name: str, reason: str, indexes: int = 2, **facts: Any) -> Rewrite:
    """A copied table."""
    return Rewrite(relation=table(name, **facts), reason=reason, indexes=indexes)


def build(name: str, of: str, *, again: bool = False, concurrently: bool = False, unique: bool = False) -> Build:
    """An index that was built."""
    return Build(relation=index(name, of, new=not again), again=again, concurrently=concurrently, unique=unique)


def scan(name: str, times: int = 1, **facts: Any) -> Scan:
    """A table that was read."""
    return Scan(relation=table(name, **facts), times=times)


def did(command: str, *things: object, text: str = "", line: int = 10, transaction: int = 1, **facts: Any) -> Effect:
    """One statement; its things are sorted by their kind."""
    kinds = {Lock: "locks", Rewrite: "rewrites", Scan: "scans", Build: "builds", Change: "changes", Drop: "drops"}
    found: dict[str, Any] = {}
    for thing in things:
        if isinstance(thing, Fault):
            found["fault"] = thing
        else:
            name = kinds[type(thing)]  # type: ignore[index]
            found[name] = (*found.get(name, ()), thing)
    return Effect(number=1, line=line, text=text or command.lower(), command=command, transaction=transaction, **found, **facts)


def revision(*effects: Effect, id: str = "r1", file: str = FILE, direction: str = "upgrade", **facts: Any) -> RevisionEffects:
    """One revision."""
    return RevisionEffects(id=id, file=file, direction=direction, effects=effects, **facts)


def size(name: str, *, rows: int = 1_000_000, heap: int = 1_000_000_000, indexes: int = 500_000_000) -> Size:
    """A table of the target: a gigabyte where nothing else is said."""
    return Size(path=f"public.{name}", rows=rows, heap_bytes=heap, index_bytes=indexes, indexes=1)


def judged(
    *effects: Effect | RevisionEffects, sizes: tuple[Size, ...] = (), limits: Limits | None = None, source: str = "", **facts: Any
) -> Findings:
    """Judge statements of one revision, or whole revisions; `facts` are those of the plan."""
    revisions = tuple(item for item in effects if isinstance(item, RevisionEffects))
    single = revision(*(item for item in effects if isinstance(item, Effect)))
    plan = Effects(
        environment="prod", revisions=revisions or (single,), sizes=sizes, scratch="PostgreSQL 18", server="PostgreSQL 16", **facts
    )
    return judge(plan, limits, {FILE: source})


def only(id: str, findings: Findings) -> Finding:
    """The one finding of a hazard."""
    (found,) = [finding for finding in findings.findings if finding.id == id]
    return found


def ids(findings: Findings, severity: str = "") -> set[str]:
    """The ids of what was found, of one severity or of all."""
    return {finding.id for finding in findings.findings if severity in ("", finding.severity.value)}
