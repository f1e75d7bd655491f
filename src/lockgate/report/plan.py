"""What a plan found, as text: a row per statement, the strongest lock first."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.errors import CODES, LockgateError
from lockgate.hazards.effects import Effect, Effects, Size
from lockgate.hazards.held import Held, UnderLocks, under_locks
from lockgate.hazards.plan import PlanOutcome
from lockgate.hazards.seen import MODES, Change, Relation
from lockgate.report.table import Blocks, Table, cell
from lockgate.report.text import heads_text

_LONGEST = 70  # characters of a statement in a table
_UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def plan(done: PlanOutcome) -> Blocks:
    """Return the table and, below it, what the plan does not know."""
    effects = done.effects
    place = f"`{done.environment}` ({cell(done.place)}), at {heads_text(effects.heads)}"
    if not effects.revisions:
        return (f"nothing is pending for {place}",)
    number = len(effects.revisions)
    head = f"plan of {place}: {number} revision{'s' * (number != 1)}, traced on {effects.scratch} for {effects.server}, without rows"
    every = [_row(effects, row) for row in sorted(under_locks(effects), key=_rank)]
    rows = tuple(row for row in every if row[3:] != ("-", "-"))
    table = Table(("REVISION", "LINE", "STATEMENT", "LOCKS", "DOES"), rows)
    notes = "\n".join((*_left_out(len(every) - len(rows)), *_notes(effects)))
    return (head, table, notes) if notes else (head, table)


def plan_error(done: PlanOutcome) -> LockgateError | None:
    """Return the error that a failing revision is; None where all of them ran."""
    broken = next((revision for revision in done.effects.revisions if revision.fault), None)
    if not done.code or broken is None or broken.fault is None:
        return None
    what = f"revision `{broken.id}` fails on a scratch copy of this schema: {broken.fault.message}"
    where = f"environment `{done.environment}`, {done.place}, {broken.file}:{broken.fault.line}"
    return CODES[done.code](done.code, what, where, f"mend {broken.file}, then run `lockgate plan {done.environment}` again")


def _rank(row: UnderLocks) -> int:
    if row.effect.fault:
        return -1
    # A kept lock makes a statement worse only where it takes as long as the table is large, or takes something away.
    works = bool(row.effect.rewrites or row.effect.scans or row.effect.builds or row.effect.written or row.effect.drops)
    counted = (held for held in row.locks if _is_told(held.relation) and (works or not held.kept))
    return min((len(MODES) - MODES.index(held.mode) for held in counted), default=len(MODES) + 1)


def _is_told(relation: Relation) -> bool:
    """Locks on what somebody uses already; those on indexes and sequences say nothing beside their tables'."""
    return not relation.new and relation.kind not in ("index", "partitioned index", "sequence")


def _row(effects: Effects, row: UnderLocks) -> tuple[str, str, str, str, str]:
    statement = cell(row.effect.text)
    short = statement if len(statement) <= _LONGEST else statement[: _LONGEST - 1] + "…"
    locks = ", ".join(_lock(effects, held) for held in row.locks if _is_told(held.relation))
    return (cell(row.revision.id), str(row.effect.line), short, cell(locks), cell("; ".join(_deeds(row.effect))))


def _lock(effects: Effects, held: Held) -> str:
    kept = " kept" if held.kept else ""
    return f"{mode_words(held.mode)} {_short(held.relation.path)}{_size(effects.size(held.relation))}{kept}"


def mode_words(mode: str) -> str:
    """`AccessExclusiveLock` as the manual writes it: `ACCESS EXCLUSIVE`."""
    letters = "".join(f" {letter}" if letter.isupper() else letter for letter in mode.removesuffix("Lock"))
    return letters.strip().upper()


def _size(size: Size | None) -> str:
    if size is None or size.rows <= 0:
        return ""
    return f" ({quantity(size.rows)} rows, {quantity(size.heap_bytes + size.index_bytes)}B)"


def quantity(number: int) -> str:
    """`58.0 M`: three digits are as much as an estimate knows."""
    return next((f"{number / unit:.3g} {letter}" for unit, letter in _UNITS if number >= unit), f"{number} ")


def _short(path: str) -> str:
    return path.removeprefix("public.")


def _deeds(effect: Effect) -> Iterator[str]:
    if effect.fault:
        yield f"FAILS {effect.fault.state}: {effect.fault.message}"
    for rewrite in effect.rewrites:
        indexes = f", {rewrite.indexes} indexes built again" if rewrite.indexes > 1 else ", 1 index built again" if rewrite.indexes else ""
        yield f"rewrites {_short(rewrite.relation.path)} ({rewrite.reason}{indexes})"
    for scan in effect.scans:
        if not scan.relation.new:
            yield f"reads all of {_short(scan.relation.path)}"
    for build in effect.builds:
        yield f"builds index {build.relation.name}{' concurrently' if build.concurrently else ''}"
    for drop in effect.drops:
        if drop.named or (drop.cascade and not drop.new):
            yield f"drops {drop.kind} {_short(drop.identity)}{'' if drop.named else ' (cascade)'}"
    yield from (_change(change) for change in effect.changes if _is_news(change))
    for rows in effect.written:
        yield f"writes rows of {_short(rows.relation.path)}"
    yield from effect.notices


def _is_news(change: Change) -> bool:
    if change.how in ("dropped", "recreated") or (change.how == "added" and change.kind == "index"):
        return False  # said by drops and builds
    if change.kind == "constraint" and (change.after or change.before).get("kind") == "not null":
        return False  # its column says so
    if {*change.before, *change.after} == {"partition_constraint"}:
        return False  # a default partition, of which another one takes a part
    return not (change.new and change.how == "added" and change.kind in ("column", "constraint", "index", "sequence") and not change.original)


def _unrestored(change: Change) -> str:
    name = cell(f"{change.table}.{change.name}" if change.table else change.name)
    return f"{change.kind} {name} {_LEFT[change.how]}"


_LEFT = {"dropped": "is missing", "added": "is left over", "altered": "is another one"}


def _change(change: Change) -> str:
    name = f"{change.table}.{change.name}" if change.kind == "column" else f"{change.name} on {change.table}" if change.table else change.name
    if change.how == "renamed":
        return f"renames {change.kind} {change.old_name or change.name} to {name}"
    if change.how == "added":
        about = change.after.get("type", change.after.get("kind", "")) if change.kind in ("column", "constraint") else ""
        return f"adds {change.kind} {name} {about}".rstrip()
    facts = sorted({*change.before, *change.after} - {"partition_constraint"})  # the bound says the same in short
    differs = ", ".join(f"{fact} {_value(change.before.get(fact))} -> {_value(change.after.get(fact))}" for fact in facts)
    return f"changes {change.kind} {name}: {differs}"


def _left_out(number: int) -> Iterator[str]:
    if number:
        yield f"{number} statement{'s' * (number != 1)} more: no lock on a table in use, nothing to tell"


def _value(fact: object) -> str:
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    return "none" if fact is None else str(fact)


def _notes(effects: Effects) -> Iterator[str]:
    if effects.workload and effects.workload.unknown:
        yield f"queries of applications are not known: {cell(effects.workload.unknown)}; `--queries FILE` gives some"
    if effects.preflight and effects.preflight.unknown:
        yield f"who is at work on the tables is not known: {cell(effects.preflight.unknown)}"
    for revision in effects.back:
        if revision.fault:
            yield f"no way back: the downgrade of {cell(revision.id)} fails: {cell(revision.fault.message)}"
    if effects.unrestored and not any(revision.fault for revision in effects.back):
        told = (_unrestored(change) for change in effects.unrestored if _is_news(change) or change.how in ("dropped", "added"))
        yield f"the way back does not restore the schema: {', '.join(told)}"
    for revision in effects.revisions:
        if revision.not_run:
            lines = ", ".join(map(str, revision.not_run))
            yield f"not told: {revision.file}, line{'s' * (len(revision.not_run) > 1)} {lines} did not run on the empty copy"
    for name in effects.stubs:
        yield f"extension `{name}` is imitated on the scratch server"
