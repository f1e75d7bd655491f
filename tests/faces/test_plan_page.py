"""The HTML page of a plan, in a browser."""

from __future__ import annotations

from pathlib import Path

import msgspec
from chromium import browser, program
from recorded import recorded

from lockgate.hazards.effects import Effects, Size
from lockgate.hazards.findings import Limits
from lockgate.hazards.judge import judge
from lockgate.report.html import html

EVIL = "</script><script>alert(1)"
SEEN = "window.getComputedStyle(document.querySelector('section')).borderLeftStyle"


def page_of(*names: str) -> str:
    """A plan with some of the recorded operations; the table of the worst has a hostile name."""
    record = recorded()
    revisions = tuple(revision for name in names for revision in record[name].revisions)
    sizes = tuple(Size(path=f"public.{name}", rows=58_000_000, heap_bytes=9_000_000_000, index_bytes=4_000_000_000) for name in ("customers", "orders", EVIL))
    plain = msgspec.json.encode(Effects(environment="prod", scratch="PostgreSQL 18", server="PostgreSQL 16", revisions=revisions, sizes=sizes))
    hostile = plain.replace(b'"name":"customers"', f'"name":"{EVIL}"'.encode()).replace(b"public.customers", f"public.{EVIL}".encode())
    return html(judge(msgspec.json.decode(hostile, type=Effects), Limits()))


if program():

    def test_the_worst_is_seen_without_scrolling_and_nothing_is_loaded_or_run(tmp_path: Path) -> None:
        """Who opens it at night sees what to stop for; a name out of somebody's database must stay a name."""
        file = tmp_path / "plan.html"
        file.write_text(page_of("int_bigint", "index", "drop_col", "add_fk", "update_all"), encoding="utf-8")
        with browser() as page:
            page.open(file.as_uri(), 1280, 720)
            top, bottom, words = page.value("(box => [box.top, box.bottom, document.querySelector('section').innerText])(document.querySelector('section').getBoundingClientRect())")
            assert top >= 0 and bottom <= 720
            assert "ERROR" in words and EVIL in words
            assert page.value("document.scripts.length") == 0
            assert page.value(SEEN) == "solid", "the style sheet is not the one that the page's policy allows"
            assert page.value("document.documentElement.scrollWidth") <= 1280
            picture = page.picture(tmp_path / "plan.png")
        assert page.requested == [file.as_uri()]
        assert len(picture) > 10_000, "an empty window is smaller"
