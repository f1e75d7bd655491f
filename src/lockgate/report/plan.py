"""A plan as text: its findings, and where asked for a row per statement, the strongest lock first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockgate.errors import CODES, LockgateError
from lockgate.hazards.blocking import spelled
from lockgate.hazards.effects import Effect, Effects
from lockgate.hazards.held import Held, UnderLocks, under_locks
from lockgate.hazards.plan import PlanOutcome, broken_off
from lockgate.hazards.seen import MODES, Change, Relation
from lockgate.report.finding_words import hazard_page, headline, one_line, place, short, size
from lockgate.report.findings import findings
from lockgate.report.table import Blocks, Table, cell
from lockgate.report.text import heads_text

_LONGEST = 70  # characters of a statement in a table


def plan(done: PlanOutcome, statements: bool = False) -> Blocks:
    """
    Return what a plan says to people: findings, when tables are blocked, what is not known.

    Args:
        statements: add a table of all statements that do something.
    """
    where = f"`{done.environment}` ({cell(done.place)}), at {heads_text(done.effects.heads)}" if done.environment else ""
    if not done.findings.revisions:
        return (f"nothing is pending for {where}" if where else "nothing to judge: no revision is new or changed",)
    told = (*([f"plan of {where}"] if where else []), *findings(done.findings), *_unknown(done.effects))
    return (*told, "", *_table(done.effects)) if statements else told


def plan_error(done: PlanOutcome) -> LockgateError | None:
    """Return the error that a failing revision is, or findings that are not let pass; None for a good plan."""
    where = f"environment `{done.environment}`, {done.place}, " if done.environment else ""
    if done.code == "plan-findings":
        what = f"the plan is not let through by {_quoted(done.failed_on)}: {headline(done.findings)}"
        first = done.findings.failing(done.failed_on)[0]
        hint = f"do it the safer way ({hazard_page(first.id)}), or allow it where it stands: # lockgate: allow {first.id} REASON"
        return CODES[done.code](done.code, what, f"{where}{place(first)}", hint)
    if not done.code:
        return None
    broken = broken_off(done.effects, done.findings)
    if broken is None or broken.fault is None:
        return _foretold(done, where)
    copy = "a scratch copy of this schema" if done.environment else "the database that the revisions before it make"
    what = f"revision `{broken.id}` fails on {copy}: {broken.fault.message}"
    again = f"lockgate plan {done.environment}" if done.environment else f"lockgate lint {broken.id}"
    hint = f"mend {broken.file}, then run `{again}` again"
    excusable = next((one for one in done.findings.findings if one.fails and one.revision == broken.id and "# lockgate: allow" in one.safer), None)
    if excusable:  # see `hazards.faults.missing`
        hint += f"; or, where only the copy lacks the rows, allow it where it stands: # lockgate: allow {excusable.id} REASON"
    line = f":{broken.fault.line}" if broken.fault.line else ""  # at COMMIT it is none's
    return CODES[done.code](done.code, what, f"{where}{broken.file}{line}", hint)


def _foretold(done: PlanOutcome, where: str) -> LockgateError:
    """What runs on the copy and fails on the rows that are there."""
    first = next(finding for finding in done.findings.findings if finding.fails)
    hint = f"mend the rows or {first.file}, then plan again; or allow it where it stands: # lockgate: allow {first.id} REASON"
    return CODES[done.code](done.code, f"revision `{first.revision}` will fail: {first.what}", f"{where}{place(first)}", hint)


def _quoted(words: Sequence[str]) -> str:
    return " and ".join(f"`--fail-on {word}`" for word in words)


def _table(effects: Effects) -> Blocks:
    every = [_row(effects, row) for row in sorted(under_locks(effects), key=_rank)]
    rows = tuple(row for row in every if row[3:] != ("-", "-"))
    table = Table(("REVISION", "LINE", "STATEMENT", "LOCKS", "DOES"), rows)
    quiet = len(every) - len(rows)
    return (table, f"{quiet} statement{'s' * (quiet != 1)} more: no lock on a table in use, nothing to tell") if quiet else (table,)


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
    locks = ", ".join(_lock(effects, held) for held in row.locks if _is_told(held.relation))
    return (cell(row.revision.id), str(row.effect.line), one_line(row.effect.text, _LONGEST), cell(locks), cell("; ".join(_deeds(row.effect))))


def _lock(effects: Effects, held: Held) -> str:
    kept = " kept" if held.kept else ""
    known = effects.size(held.relation)
    told = f" ({size(known.rows, known.heap_bytes + known.index_bytes)})" if known and known.rows > 0 else ""
    return f"{spelled(held.mode)} {short(held.relation.path)}{told}{kept}"


def _deeds(effect: Effect) -> Iterator[str]:
    if effect.fault:
        yield f"FAILS {effect.fault.state}: {effect.fault.message}"
    for rewrite in effect.rewrites:
        indexes = f", {rewrite.indexes} indexes built again" if rewrite.indexes > 1 else ", 1 index built again" if rewrite.indexes else ""
        yield f"rewrites {short(rewrite.relation.path)} ({rewrite.reason}{indexes})"
    for scan in effect.scans:
        if not scan.relation.new:
            yield f"reads all of {short(scan.relation.path)}"
    for build in effect.builds:
        yield f"builds index {build.relation.name}{' concurrently' if build.concurrently else ''}"
    for drop in effect.drops:
        if drop.named or (drop.cascade and not drop.new):
            yield f"drops {drop.kind} {short(drop.identity)}{'' if drop.named else ' (cascade)'}"
    yield from (_change(change) for change in effect.changes if _is_news(change))
    for rows in effect.written:
        yield f"writes rows of {short(rows.relation.path)}"
    yield from effect.notices


def _is_news(change: Change) -> bool:
    if change.how in ("dropped", "recreated") or (change.how == "added" and change.kind == "index"):
        return False  # said by drops and builds
    if change.kind == "constraint" and (change.after or change.before).get("kind") == "not null":
        return False  # its column says so
    if {*change.before, *change.after} == {"partition_constraint"}:
        return False  # a default partition, of which another one takes a part
    return not (change.new and change.how == "added" and change.kind in ("column", "constraint", "index", "sequence") and not change.original)


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


def _value(fact: object) -> str:
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    return "none" if fact is None else str(fact)


def _unknown(effects: Effects) -> Iterator[str]:
    if effects.workload and effects.workload.unknown:
        yield f"queries of applications are not known: {cell(effects.workload.unknown)}; `--queries FILE` gives some"
    if effects.preflight and effects.preflight.unknown:
        yield f"who is at work on the tables is not known: {cell(effects.preflight.unknown)}"
