"""The judgement of a plan as Markdown, for the comment under a pull request or a step's summary."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lockgate.hazards.findings import Finding, Findings, Severity
from lockgate.report.finding_words import (
    UNSEEN,
    blocked_for,
    duration_of,
    headline,
    listed,
    place,
    short,
    snippet,
    statement_of,
    unseen_lines,
    waits,
)
from lockgate.report.table import cell

_SIGNS = {Severity.ERROR: "❌ error", Severity.WARNING: "⚠️ warning", Severity.NOTE: "note"}
# What Markdown, HTML and GitHub (mentions, issue numbers) make something of.
_SPECIAL = re.compile(r"[\\`*_{}\[\]()#+|<>&@~!$^=:-]")


def markdown(judged: Findings) -> str:
    """Return a summary: a table of errors and warnings, folded details, notes as a number of lines."""
    name = f" for {_text(judged.environment)}" if judged.environment else ""
    return "\n".join([f"### Migration plan{name}: {headline(judged)}", "", *_parts(judged)]).rstrip() + "\n"


def _parts(judged: Findings) -> Iterator[str]:
    told = [finding for finding in judged.findings if finding.severity is not Severity.NOTE]
    if told:
        yield from ("| | hazard | table | blocked | where |", "|---|---|---|---|---|")
        yield from (_row(finding) for finding in told)
        yield ""
    for finding in told:
        yield from _details(finding)
    if judged.timeline:
        yield from _folded("When tables are blocked", _timeline(judged))
    notes = [f"- {finding.id}, {_text(place(finding))}: {_text(finding.what)}" for finding in judged.findings if finding not in told]
    if notes:
        yield from _folded(f"{len(notes)} note{'s' * (len(notes) != 1)}", notes)
    if judged.not_seen:
        yield from _folded(UNSEEN.capitalize(), [f"- {_text(line)}" for line in unseen_lines(judged)])
    for allowed in judged.allowed:
        yield f"Allowed: {allowed.finding.id} at {_text(place(allowed.finding))}: {_text(allowed.reason or 'no reason given')}"
        yield ""
    if judged.basis:
        yield f"<sub>{_text(judged.basis)}</sub>"


def _row(finding: Finding) -> str:
    cells = (
        _SIGNS[finding.severity],
        f"{finding.id} {finding.name}",
        _text(short(finding.relation)),
        _text(duration_of(finding)),
        _text(place(finding)),
    )
    return f"| {' | '.join(cells)} |"


def _details(finding: Finding) -> Iterator[str]:
    lines = [_text(finding.what), ""]
    if waits(finding):
        lines += [_text(waits(finding)), ""]
    if finding.statement:
        lines += [*_code(statement_of(finding), "sql"), ""]
    if finding.safer:
        lines += ["Safer:", "", *_code(snippet(finding), "python"), ""]
    yield from _folded(f"{finding.id} {_text(finding.title)}: {_text(place(finding))}", lines)


def _timeline(judged: Findings) -> Iterator[str]:
    yield from ("| table | lock | for | who waits | since |", "|---|---|---|---|---|")
    for row in judged.timeline:
        cells = (_text(short(row.relation)), row.lock, _text(blocked_for(row)), listed(row.blocks), _text(f"{row.revision}:{row.line}"))
        yield f"| {' | '.join(cells)} |"


def _folded(title: str, lines: Iterator[str] | list[str]) -> Iterator[str]:
    yield from (f"<details><summary>{title}</summary>", "", *lines, "", "</details>", "")


def _code(text: str, language: str) -> list[str]:
    """A fence is longer than any run of its own sign inside."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return [f"{fence}{language}", text, fence]


def _text(text: str) -> str:
    """Text that stays text: each special sign as a character reference, which Markdown and HTML read alike."""
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", cell(text)) if text else ""
