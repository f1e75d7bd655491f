"""The judgement of a plan as text: the worst first, then when which table is blocked."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.findings import Finding, Findings, Severity
from lockgate.hazards.rules import unused_allow
from lockgate.report.finding_words import (
    UNSEEN,
    bars,
    blocked_for,
    duration_of,
    hazard_page,
    headline,
    is_by_time,
    listed,
    place,
    short,
    size_of,
    snippet,
    statement_of,
    unseen_lines,
    waits,
)
from lockgate.report.table import Block, Blocks, Table, cell

_WIDE = 40  # characters of the timeline


def findings(judged: Findings) -> Blocks:
    """Return a table of all findings, what to know about errors and warnings, and the timeline."""
    name = f"`{cell(judged.environment)}`: " if judged.environment else ""
    basis = f" ({cell(judged.basis)})" if judged.basis else ""
    blocks: list[Block] = [f"{name}{headline(judged)}{basis}"]
    if judged.findings:
        rows = tuple(_row(finding) for finding in judged.findings)
        blocks += ["", Table(("", "HAZARD", "TABLE", "BLOCKED", "WHERE"), rows)]
    blocks += [f"\n{detail}" for detail in _details(judged)]
    if judged.timeline:
        blocks += [f"\n{_scale(judged)}", timeline(judged)]
    notes = "\n".join(_notes(judged))
    return (*blocks, f"\n{notes}") if notes else tuple(blocks)


def timeline(judged: Findings) -> Table:
    """Return a bar per blocked table, from the request for its lock to COMMIT."""
    rows = (
        (short(row.relation), row.lock, _bar(begin, locked, end), blocked_for(row), listed(row.blocks), f"{cell(row.revision)}:{row.line}")
        for row, begin, locked, end in bars(judged.timeline)
    )
    return Table(("TABLE", "LOCK", "WHEN", "FOR", "WHO WAITS", "SINCE"), tuple(rows))


def _row(finding: Finding) -> tuple[str, ...]:
    word = finding.severity.value.upper() if finding.severity is Severity.ERROR else finding.severity.value
    where = f"{cell(finding.revision)}:{finding.line}" if finding.line else cell(finding.revision)
    return (word, f"{finding.id} {finding.title}", short(finding.relation), duration_of(finding), where)


def _details(judged: Findings) -> Iterator[str]:
    told = set()
    for finding in judged.findings:
        if finding.severity is not Severity.NOTE:
            yield "\n".join(_lines(finding, known=finding.id in told))
            told.add(finding.id)


def _lines(finding: Finding, known: bool) -> Iterator[str]:
    yield f"{finding.severity.value} {finding.id}: {cell(finding.what)}"
    yield f"  where: {place(finding)}{f', {statement_of(finding)}' if finding.statement else ''}"
    about = [part for part in (waits(finding), size_of(finding)) if part]
    if about:
        yield f"  lock: {'; '.join(about)}" if finding.lock else f"  size: {'; '.join(about)}"
    if finding.safer:
        yield "  safer:"
        yield from (f"    {line}" for line in snippet(finding).splitlines())
    if not known:
        allow = "" if finding.id == unused_allow.RULE.id else f"; allow it here: # lockgate: allow {finding.id} REASON"
        yield f"  why: {hazard_page(finding.id)}{allow}"


def _bar(begin: float, locked: float, end: float) -> str:
    first = min(int(begin * _WIDE), _WIDE - 1)
    last = max(first + 1, round(end * _WIDE))
    queued = min(max(round(locked * _WIDE) - first, 1), last - first) if locked > begin else 0
    return "·" * first + "▒" * queued + "█" * (last - first - queued) + "·" * (_WIDE - last)


def _scale(judged: Findings) -> str:
    if is_by_time(judged.timeline):
        queue = " (▒: in the queue for the lock, and others behind it)" if any(row.wait_s for row in judged.timeline) else ""
        return f"when tables are blocked, from the first statement to the last COMMIT, by the slow estimate{queue}"
    return "when tables are blocked, statement by statement: the seconds are short or not known"


def _notes(judged: Findings) -> Iterator[str]:
    estimates = (finding.estimate for finding in judged.findings if finding.estimate and finding.estimate.high_s >= 1)
    yield from (f"estimates: {basis}" for basis in dict.fromkeys(basis for estimate in estimates for basis in estimate.basis))
    for allowed in judged.allowed:
        yield f"allowed: {allowed.finding.id} at {place(allowed.finding)}: {cell(allowed.reason) if allowed.reason else 'no reason given'}"
    if judged.not_run:
        yield f"not told: {', '.join(cell(where) for where in judged.not_run)} did not run on the empty copy"
    if judged.not_seen:
        yield UNSEEN
        yield from (f"  {line}" for line in unseen_lines(judged))
