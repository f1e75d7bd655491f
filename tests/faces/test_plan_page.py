"""The HTML page of a plan as a browser shows it; where Debian's chromium is not installed nothing here is collected (make chromium)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import BROWSER, Browser, browser
from effecting import AE, S, build, change, column, did, drop, judged, lock, retyped, rewrite, scan, size

from lockgate.report.html import html

EVIL = "</script><script>alert(1)</script><img src=http://127.0.0.1:9/x onerror=alert(2)>"
WINDOWS = {"laptop": (1280, 720), "phone": (390, 844)}
# Which element is seen in the middle of another one, where that is.
SEEN = "(e => { const r = e.getBoundingClientRect(); const m = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);"
WORST = f"{SEEN} return m !== null && e.contains(m) && r.y >= 0 && r.bottom <= innerHeight }})(document.querySelector('section.error SELECTOR'))"

if BROWSER:

    @pytest.fixture(scope="module")
    def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A plan with findings of every kind, a hostile name, and more than fits on a screen."""
        region = change("added", "index", "orders.ix_region", columns=["region"])
        plan = judged(
            did("ALTER TABLE", lock(AE, "orders"), column("orders.region", "text"), line=14, text="ALTER TABLE orders ADD COLUMN region TEXT"),
            did("CREATE INDEX", lock(S, "orders"), scan("orders"), build("ix_region", "orders"), region, line=15, text="CREATE INDEX ix_region ON orders (region)"),
            did("ALTER TABLE", lock(AE, "users"), change("dropped", "column", "users.note"), drop("table column", "users.note"), line=17, transaction=2, text="ALTER TABLE users DROP COLUMN note"),
            did("ALTER TABLE", lock(AE, EVIL), rewrite(EVIL, "type"), retyped(f"{EVIL}.{EVIL}", "integer", EVIL), line=19, transaction=3, text=f'ALTER TABLE "{EVIL}" ALTER x TYPE bigint'),
            sizes=(size("orders", rows=58_000_000, heap=9 * 10**9, indexes=4 * 10**9), size("users"), size(EVIL, heap=6 * 10**8, indexes=3 * 10**8)),
        )  # fmt: skip
        path = tmp_path_factory.mktemp("page") / "plan.html"
        path.write_text(html(plan), encoding="utf-8")
        return path

    @pytest.fixture(scope="module")
    def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
        """A browser; starting one takes longer than all that is asked of it."""
        with browser(tmp_path_factory.mktemp("browser") / "profile") as opened:
            yield opened

    @pytest.mark.parametrize("window", WINDOWS)
    def test_the_worst_finding_is_seen_without_scrolling(shown: Browser, page: Path, window: str) -> None:
        """It is opened in a meeting; who does not scroll must know how bad it is, where, and since when."""
        shown.open(page, *WINDOWS[window])
        assert shown.ask("document.querySelector('section').className") == "error"
        assert [shown.ask(WORST.replace("SELECTOR", part)) for part in ("h2", ".facts", ".place")] == [True, True, True]
        assert shown.ask("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off at the right"
        assert len(colours(shown.picture())) > 20, "it is painted, and not an empty window"

    def test_nothing_is_loaded_and_hostile_names_are_text(shown: Browser, page: Path) -> None:
        """It holds names out of somebody's branch; a page that is mailed around must neither run nor fetch them."""
        shown.open(page, *WINDOWS["laptop"])
        asked = [about["request"]["url"] for name, about in shown.events if name == "Network.requestWillBeSent"]
        assert [url for url in asked if not url.startswith("file:")] == []
        assert "Page.javascriptDialogOpening" not in [name for name, _ in shown.events]
        assert shown.ask("document.querySelectorAll('script, img, iframe, link, a').length") == 0
        assert shown.ask(f"document.body.innerText.includes({EVIL!r})")
        complaints = [about["entry"]["text"] for name, about in shown.events if name == "Log.entryAdded"]
        assert complaints == [], "the page keeps to its own policy"
        assert shown.ask("getComputedStyle(document.querySelector('section.error')).borderLeftWidth") == "5px", "its own style sheet is let in"


def colours(png: bytes) -> set[bytes]:
    """Return the bytes that the rows of a picture hold, three at a time: enough to tell paint from emptiness."""
    data, at = b"", 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    raw: Any = zlib.decompress(data)
    return {raw[place : place + 3] for place in range(0, len(raw), 997)}
