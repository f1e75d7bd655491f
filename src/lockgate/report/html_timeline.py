"""The times for which tables are blocked, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from lockgate.hazards.findings import Blocked
from lockgate.hazards.spans import spoken
from lockgate.report.finding_words import bars, blocked_for, is_by_time, listed, seconds, short
from lockgate.report.table import cell

_ROW, _TOP, _LEFT, _WIDE, _RIGHT = 24, 26, 220, 480, 240  # units of the picture
_LONGEST = 30  # characters of a table's name


def picture(timeline: Sequence[Blocked]) -> Element:
    """Return an `svg` element with a row per blocked table; a reader that cannot see it hears its title."""
    height = _TOP + _ROW * len(timeline) + 24
    svg = Element("svg", {"viewBox": f"0 0 {_LEFT + _WIDE + _RIGHT} {height}", "role": "img"})
    SubElement(svg, "title").text = "When tables are blocked: " + "; ".join(_told(row) for row in timeline)
    _text(svg, 0, 14, "blocked until COMMIT: reads and writes red, writes alone amber, in the queue for the lock pale", "scale")
    for number, (row, begin, locked, end) in enumerate(bars(timeline)):
        _bar(svg, row, _TOP + _ROW * number, begin, end)
        if locked > begin:
            _queue(svg, row, _TOP + _ROW * number, begin, locked)
    bottom = height - 20
    SubElement(svg, "line", {"x1": str(_LEFT), "x2": str(_LEFT + _WIDE), "y1": str(bottom), "y2": str(bottom), "class": "axis"})
    _text(svg, _LEFT, bottom + 14, _scale(timeline), "scale")
    return svg


def _bar(svg: Element, row: Blocked, top: int, begin: float, end: float) -> None:
    name = short(row.relation)
    _text(svg, 0, top + 14, name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…")
    kind = "reads" if "reads" in row.blocks else "writes"
    x, wide = _LEFT + begin * _WIDE, max((end - begin) * _WIDE, 3.0)
    bar = {"x": f"{x:.1f}", "y": str(top + 3), "width": f"{wide:.1f}", "height": "15", "class": kind}
    SubElement(SubElement(svg, "rect", bar), "title").text = _told(row)
    _text(svg, _LEFT + _WIDE + 8, top + 14, f"{blocked_for(row)}, {row.lock}")


def _queue(svg: Element, row: Blocked, top: int, begin: float, locked: float) -> None:
    wide = max((locked - begin) * _WIDE, 2.0)
    part = {"x": f"{_LEFT + begin * _WIDE:.1f}", "y": str(top + 3), "width": f"{wide:.1f}", "height": "15", "class": "queue"}
    SubElement(SubElement(svg, "rect", part), "title").text = _told(row)


def _told(row: Blocked) -> str:
    queue = f" (up to {spoken(row.wait_s)} of it in the queue for the lock)" if row.wait_s else ""
    return f"{short(row.relation)}, {row.lock}, {blocked_for(row)}{queue}, {listed(row.blocks)} wait, since {cell(row.revision)} line {row.line}"


def _scale(timeline: Sequence[Blocked]) -> str:
    if not is_by_time(timeline):
        return "statement by statement: the seconds are short or not known"
    whole = max(row.ends_s or 0.0 for row in timeline)
    return f"0 to {seconds(whole, whole)}, by the slow estimate"


def _text(svg: Element, x: int, y: int, text: str, kind: str = "") -> None:
    attributes = {"x": str(x), "y": str(y)} | ({"class": kind} if kind else {})
    SubElement(svg, "text", attributes).text = text
