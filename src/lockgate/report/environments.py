"""Environments and what happened in them, as tables for people."""

from __future__ import annotations

import json
from collections.abc import Sequence

from lockgate.errors import Failed
from lockgate.outcome import EnvironmentRow, LedgerEntry, SeedState, Verified
from lockgate.report.table import Block, Blocks, Table, cell
from lockgate.report.text import docs_page, duration, heads_text, tables_text


def environments(rows: Sequence[EnvironmentRow]) -> Blocks:
    """Return the environments of a project: where each URL comes from, and who the database says it is."""
    cells = tuple(tuple(map(cell, (_name(row), row.protection.value, row.source, row.place, says(row)))) for row in rows)
    return (Table(("environment", "protection", "url from", "database", "the database says"), cells), *_unseen(rows))


def status(rows: Sequence[EnvironmentRow]) -> Blocks:
    """Return the matrix of environments: current revision, pending ones, seeds where the project has some, and the last run of each."""
    seeded = any(row.seeds for row in rows)
    columns = ("environment", "protection", "database", "says", "current", "pending", "head", *(["seeds"] if seeded else []), "last run")
    return (Table(columns, tuple(tuple(map(cell, _status_cells(row, seeded))) for row in rows)), *_unseen(rows), *_edited(rows))


def history(name: str, entries: Sequence[LedgerEntry]) -> Blocks:
    """Return the ledger of one environment, in the order given."""
    if not entries:
        return (f"the ledger of `{cell(name)}` is empty",)
    columns = ("at (UTC)", "verb", "revision", "from -> to, rows", "outcome", "took", "by", "error")
    return (Table(columns, tuple(tuple(map(cell, _entry_cells(entry))) for entry in entries)),)


def reached(row: EnvironmentRow) -> Blocks:
    """Return the answer of `url ENV --check` for a database that could be entered."""
    return (f"reached {cell(row.place)} ({cell(row.server or 'server unknown')}); it says: {cell(says(row))}",)


def says(row: EnvironmentRow) -> str:
    """Return who the database says it is; a name that is not the environment's own is pointed out."""
    if row.error:
        return "cannot be seen"
    if not row.says:
        return "unmarked, empty" if row.empty else f"unmarked, {tables_text(row.tables)}"
    other = f", not {row.name}" if row.says != row.name else ""
    return row.says + other + (" (a copy)" if row.copied else "")


def verified(found: Verified) -> Blocks:
    """Return what `history --verify` found where nothing is broken."""
    if not found.seal:
        return (f"the ledger of `{cell(found.environment)}` has no seals yet; the next run that writes into it makes them",)
    return (f"the ledger of `{cell(found.environment)}` is as it was written: {found.rows} rows, seal {found.seal}",)


def broken(found: Verified) -> Failed | None:
    """Return the error that a broken ledger is; None for a whole one."""
    if not found.broken:
        return None
    what = f"the ledger is not as lockgate wrote it: row {found.broken}: {found.reason}"
    hint = f"compare it with a backup; `lockgate history {found.environment} --json` shows every row as it is now"
    return Failed("ledger-broken", what, f"environment `{found.environment}`, {found.place}", hint)


def _edited(rows: Sequence[EnvironmentRow]) -> tuple[Block, ...]:
    lines = [f"{cell(row.name)}: edited after being applied: {cell(', '.join(row.edited))} (docs/errors/revision-edited.md)" for row in rows if row.edited]
    return ("\n" + "\n".join(lines),) if lines else ()


def _unseen(rows: Sequence[EnvironmentRow]) -> tuple[Block, ...]:
    lines = [
        f"{cell(row.name)} cannot be seen: {cell(row.error)} ({docs_page(row.error_code or 'unreachable')})" for row in rows if row.error
    ]
    return ("\n" + "\n".join(lines),) if lines else ()


def _name(row: EnvironmentRow) -> str:
    return f"{row.name} (default)" if row.default else row.name


def _status_cells(row: EnvironmentRow, seeded: bool) -> tuple[str, ...]:
    seeds = [_seeds(row.seeds)] if seeded else []
    if row.error:
        return (_name(row), row.protection.value, row.place, says(row), "", "", "", *seeds, "")
    current = f"{heads_text(row.heads)}{' (unknown here: ' + ', '.join(row.unknown) + ')' if row.unknown else ''}"
    current += f" (half applied: {row.half_applied})" if row.half_applied else ""
    pending = "unknown" if row.pending is None else str(row.pending)
    head = "yes" if row.pending == 0 and not row.unknown and not row.half_applied else "no"
    return (_name(row), row.protection.value, row.place, says(row), current, pending, head, *seeds, _last_run(row.last))


def _seeds(seeds: Sequence[SeedState]) -> str:
    """Say what is not as it should be by name; what is, by number."""
    current = sum(seed.state == "current" for seed in seeds)
    others = [f"{seed.name} {seed.state}" for seed in seeds if seed.state != "current"]
    return ", ".join([*([f"{current} current"] if current else []), *others])


def _last_run(entry: LedgerEntry | None) -> str:
    return f"{_at(entry.at)[:16]} {entry.verb} {entry.outcome} by {entry.operator or 'unknown'}" if entry else ""


def _entry_cells(entry: LedgerEntry) -> tuple[str, ...]:
    took = "" if entry.duration_ms is None else duration(entry.duration_ms)
    return (_at(entry.at), entry.verb, entry.revision, _way(entry), entry.outcome, took, entry.operator, entry.error)


def _way(entry: LedgerEntry) -> str:
    """Say from where to where; what broke off or was refused has no end that its row could tell."""
    if not (entry.from_heads or entry.to_heads):
        return _rows(entry)
    if entry.outcome in ("failed", "interrupted", "refused"):
        return f"at {heads_text(entry.from_heads)}"
    return f"{heads_text(entry.from_heads)} -> {heads_text(entry.to_heads)}"


def _rows(entry: LedgerEntry) -> str:
    """Say what a seed did to its table; a script's rows are not counted."""
    if entry.outcome != "seeded":
        return ""
    try:
        details = json.loads(entry.details)
    except ValueError:
        return ""
    if not isinstance(details, dict):
        return ""
    return ", ".join(f"{details[kind]} {kind}" for kind in ("new", "changed", "equal", "deleted") if details.get(kind))


def _at(moment: str) -> str:
    return moment[:19].replace("T", " ")
