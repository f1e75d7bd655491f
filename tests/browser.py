"""A headless Chromium for one test, spoken to over two pipes: Debian's own program, a temporary profile, no TCP port."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

BROWSER = shutil.which("chromium")
NO_BROWSER = "the plan's page: not run, no browser is installed here (Debian: make chromium, or apt-get install chromium)"
# --no-sandbox: root, and containers, have none. The page under test runs no script, which is what is tested.
_ALWAYS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars", "--remote-debugging-pipe")
_PATIENCE_S = 150


class Browser:
    """One page of a browser that was started with `--remote-debugging-pipe`: commands and events are JSON, each ended by a NUL."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._rest = b""
        self._number = 0
        self._session = ""
        self.events: list[tuple[str, Any]] = []
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.do(f"{domain}.enable")

    def do(self, method: str, **parameters: Any) -> Any:
        """Send a command and wait for its answer."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters} | ({"sessionId": self._session} if self._session else {})
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]

    def open(self, path: Path, width: int, height: int) -> None:
        """Show a file in a window of that size; return when it is loaded."""
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.events.clear()
        self.do("Page.navigate", url=path.as_uri())
        while "Page.loadEventFired" not in (name for name, _ in self.events):
            self._next()

    def ask(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; the page's own policy does not bind the debugger."""
        answer = self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self) -> bytes:
        """Return what is seen without scrolling, as PNG."""
        return base64.b64decode(self.do("Page.captureScreenshot", format="png")["data"])

    def _next(self) -> Any:
        while b"\0" not in self._rest:
            read = os.read(self._answers, 1 << 16)
            assert read, "the browser has ended"
            self._rest += read
        first, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(first)
        if "method" in message:
            self.events.append((message["method"], message["params"]))
        return message


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start it with a profile in `folder`; whatever happens it is ended."""
    assert BROWSER
    hears, commands = os.pipe()
    answers, says = os.pipe()
    # The browser reads from descriptor 3 and writes to 4; bash, because sh knows no descriptors of two digits.
    line = f'exec "$0" "$@" 3<&{hears} 4>&{says}'
    words = [BROWSER, *_ALWAYS, f"--user-data-dir={folder}"]
    with open(folder.with_suffix(".log"), "wb") as log:
        process = subprocess.Popen(["bash", "-c", line, *words], pass_fds=(hears, says), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    os.close(hears)
    os.close(says)
    impatient = threading.Timer(_PATIENCE_S, process.kill)
    impatient.start()
    try:
        yield Browser(commands, answers)
    finally:
        impatient.cancel()
        os.close(commands)  # the browser ends when nobody commands it any more
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()
        os.close(answers)
