"""Headless Chromium for one page, driven by its own protocol over a pipe (Chrome DevTools Protocol, `--remote-debugging-pipe`)."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

MISSING = "Chromium: not run, it is not installed here (Debian: make chromium, or apt-get install chromium)"
_PIPES = (3, 4)  # of the browser: what it hears, what it says
_FREE = 20  # first number for our ends, out of the way of its own


def program() -> str:
    """Path of the browser; empty where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""


@dataclass
class Page:
    """
    A page that is open.

    Args:
        requested: addresses that it asked for, its own first.
    """

    to: BinaryIO
    from_: BinaryIO
    session: str = ""
    requested: list[str] = field(default_factory=list)
    _number: int = 0

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result; requests that are told meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params} | ({"sessionId": self.session} if self.session else {})
        self.to.write(json.dumps(message).encode() + b"\0")
        self.to.flush()
        while (heard := self.hear()).get("id") != self._number:
            pass
        assert "error" not in heard, heard
        result: dict[str, Any] = heard["result"]
        return result

    def hear(self) -> dict[str, Any]:
        """Wait for the next message."""
        text = bytearray()
        while (piece := self.from_.read(1)) != b"\0":
            assert piece, "the browser ended"
            text += piece
        heard: dict[str, Any] = json.loads(text)
        if heard.get("method") == "Network.requestWillBeSent":
            self.requested.append(heard["params"]["request"]["url"])
        return heard

    def open(self, url: str, width: int, height: int) -> None:
        """Open an address in a window of this size, and wait until it is loaded."""
        (target, *_) = (one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Network", "Page", "Runtime"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Page.navigate", url=url)
        while self.hear().get("method") != "Page.loadEventFired":
            pass

    def value(self, expression: str) -> Any:
        """Value of an expression in the page."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def picture(self, file: Path) -> bytes:
        """Take a picture of the window, as PNG."""
        taken = base64.b64decode(self.call("Page.captureScreenshot")["data"])
        file.write_bytes(taken)
        return taken


@contextmanager
def browser() -> Iterator[Page]:
    """Start it; it ends with the block."""
    heard, told = os.pipe(), os.pipe()
    theirs = [fcntl.fcntl(number, fcntl.F_DUPFD, _FREE) for number in (heard[0], told[1])]
    with tempfile.TemporaryDirectory(prefix="lockgate-chromium-", ignore_cleanup_errors=True) as folder:
        options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage", f"--user-data-dir={folder}")
        process = subprocess.Popen(
            [program(), *options, "--remote-debugging-pipe", "about:blank"],
            pass_fds=_PIPES,
            preexec_fn=lambda: [os.dup2(number, pipe) for number, pipe in zip(theirs, _PIPES, strict=True)] and None,
            stderr=subprocess.DEVNULL,
        )
        for number in (heard[0], told[1], *theirs):
            os.close(number)
        with os.fdopen(heard[1], "wb") as to, os.fdopen(told[0], "rb") as from_:
            try:
                yield Page(to, from_)
            finally:
                process.terminate()
                process.wait(120)
