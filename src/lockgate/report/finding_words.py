"""How findings are put into words, the same in all reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockgate.hazards.findings import Blocked, Estimate, Finding, Findings, NotSeen, Severity
from lockgate.hazards.spans import spoken
from lockgate.report.table import cell
from lockgate.secret import redact

_UNITS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))
_PREFIXES = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
_LONGEST = 200  # characters of a statement
_LONGEST_UNSEEN = 100
_MOST_UNSEEN = 20
UNSEEN = "not seen: the copy has no rows on which this could fail"
DEFAULT_SCHEMA = "public."


def headline(judged: Findings) -> str:
    """Return `2 errors, 1 warning, 3 notes in 2 revisions`; `nothing found in 2 revisions`, with what was not seen where nothing is bad."""
    if not judged.revisions:
        return "no revision is pending"
    counts = [(judged.count(severity), severity.value) for severity in Severity]
    told = ", ".join(f"{number} {word}{'s' * (number != 1)}" for number, word in counts if number) or "nothing found"
    number = len(judged.revisions)
    seen = "" if judged.worst in (Severity.ERROR, Severity.WARNING) else _unseen(len(judged.not_seen))
    return f"{told} in {number} revision{'s' * (number != 1)}{seen}"


def _unseen(number: int) -> str:
    return f"; {number} statement{'s depend' if number != 1 else ' depends'} on rows that the copy does not have" if number else ""


def unseen_lines(judged: Findings) -> list[str]:
    """Return a line per statement that is not seen, the first of them where there are many."""
    more = len(judged.not_seen) - _MOST_UNSEEN
    return [*map(unseen, judged.not_seen[:_MOST_UNSEEN]), *([f"and {more:,} more: --json has all of them"] if more > 0 else [])]


def unseen(one: NotSeen) -> str:
    """Return `migrations/versions/r2.py:14: a key may be taken: INSERT INTO orders VALUES (5)`."""
    where = f"{one.file}:{one.line}" if one.line else one.file
    return f"{cell(where)}: {cell(one.why)}: {one_line(one.statement, _LONGEST_UNSEEN)}"


def span(estimate: Estimate | None) -> str:
    """Return `< 1 s`, `40 to 190 s`, `2 to 9 min`, `size unknown`."""
    if estimate is None:
        return "size unknown"
    return seconds(estimate.low_s, estimate.high_s)


def seconds(low: float, high: float) -> str:
    """Return a range in the unit that its high end is read in best."""
    if high < 1:
        return "< 1 s"
    size, unit = next((size, unit) for size, unit in _UNITS if high >= 2 * size or size == 1)
    least, most = (f"{value / size:.0f}" if value / size >= 10 else f"{value / size:.1f}".removesuffix(".0") for value in (low, high))
    return f"{most} {unit}" if least == most else f"{least} to {most} {unit}"


def short(path: str) -> str:
    """Return a name without the schema that everybody uses."""
    return cell(path.removeprefix(DEFAULT_SCHEMA)) if path else ""


def duration_of(finding: Finding) -> str:
    """Return how long a finding blocks or works; empty where that is not what it is about, as of rows that were counted in a table of known size."""
    if finding.estimate is None and not (finding.lock and finding.severity is Severity.WARNING and finding.bytes < 0):
        return ""
    return span(finding.estimate)


def place(finding: Finding) -> str:
    """Return `migrations/versions/r2.py:14`."""
    return cell(f"{finding.file}:{finding.line}" if finding.line else finding.file)


def waits(finding: Finding) -> str:
    """Return `ACCESS EXCLUSIVE for 40 to 190 s (minutes): reads, writes and maintenance wait`; empty without a lock."""
    if not finding.lock:
        return ""
    told = duration_of(finding)
    known = f" ({finding.estimate.duration_class}{_queue(finding.estimate)})" if finding.estimate and finding.estimate.high_s >= 1 else ""
    blocked = f": {listed(finding.blocks)} wait" if finding.blocks else ""
    return f"{finding.lock}{f' for {told}{known}' if told else ''}{blocked}"


def _queue(estimate: Estimate) -> str:
    return f", up to {spoken(estimate.wait_s)} of it in the queue for locks" if estimate.wait_s else ""


def listed(words: Sequence[str]) -> str:
    """Return `reads, writes and maintenance`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def size_of(finding: Finding) -> str:
    """Return how large the table is that a finding is about; empty where unknown."""
    return size(finding.rows, finding.bytes)


def size(rows: int, size_bytes: int) -> str:
    """Return `58 M rows, 13 GB`; -1 is not known and left out."""
    told = ([f"{_quantity(rows).rstrip()} row{'s' * (rows != 1)}"] if rows >= 0 else []) + ([f"{_quantity(size_bytes)}B"] if size_bytes >= 0 else [])
    return ", ".join(told)


def _quantity(number: int) -> str:
    """Three digits are as much as an estimate knows."""
    unit, letter = next(((unit, letter) for unit, letter in _PREFIXES if number >= 0.9995 * unit), (1, ""))
    return f"{number / unit:.3g} {letter}"


def statement_of(finding: Finding) -> str:
    """Return the statement as one line that is not too long."""
    return one_line(finding.statement, _LONGEST) if finding.statement else ""


def one_line(statement: str, longest: int) -> str:
    """Return a statement as one line, cut where it has more characters than `longest`."""
    text = cell(statement)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def hazard_page(hazard: str) -> str:
    """Return the path of the page that explains a hazard."""
    return f"docs/hazards/{hazard}.md"


def snippet(finding: Finding) -> str:
    """Return the safer way, redacted line by line."""
    return "\n".join(redact(line) for line in finding.safer.splitlines())


def message(finding: Finding) -> str:
    """Return all that a finding says in one line, for faces that have no more room."""
    about = "; ".join(part for part in (size_of(finding), waits(finding)) if part)
    return cell(finding.what) + (f" ({about})" if about else "")


def bars(timeline: Sequence[Blocked]) -> Iterator[tuple[Blocked, float, float, float]]:
    """
    Yield where each blocked time begins, where its lock is there at the latest, and where it ends, from 0 to 1.

    By seconds where all of them are known, otherwise by statements: half a scale would be a lie.
    """
    by_time = is_by_time(timeline)
    spans = [_span(row) if by_time else (row.first - 1.0, row.first - 1.0, float(row.last)) for row in timeline]
    whole = max((end for *_, end in spans), default=0.0) or 1.0
    yield from ((row, begin / whole, locked / whole, end / whole) for row, (begin, locked, end) in zip(timeline, spans, strict=True))


def _span(row: Blocked) -> tuple[float, float, float]:
    begins = row.begins_s or 0.0
    return begins, begins + row.wait_s, row.ends_s or 0.0


def is_by_time(timeline: Sequence[Blocked]) -> bool:
    """Whether the seconds of all blocked times are known, and something takes longer than a moment."""
    return all(row.ends_s is not None for row in timeline) and any((row.ends_s or 0) >= 1 for row in timeline)


def blocked_for(row: Blocked) -> str:
    """Return how long a table is blocked."""
    if row.begins_s is None or row.ends_s is None or row.low_s is None:
        return "size unknown"
    return seconds(row.low_s, row.ends_s - row.begins_s)
