"""Who makes a revision wait: seen over a connection of its own, because the working one hears nothing while it waits."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from lockgate.dialects.base import BareSession
from lockgate.events import Blocked, Notify
from lockgate.runs.gate import opened
from lockgate.runs.target import Target
from lockgate.words import Step

_LOOK_AFTER = 1.0  # seconds: most revisions are done by then, and nobody connects for them
_LOOK_EVERY = 0.25  # seconds
_SAY_AFTER = 2.0  # seconds of waiting, the short tries of one revision taken together
_SAY_AGAIN = 30.0  # seconds
# Between two short tries nobody is in the way for a moment; the longest pause between them is 3 s.
_FORGET_AFTER = 4.0  # seconds


@dataclass(frozen=True)
class _Task:
    session_id: str
    step: Step
    began: float


class Onlooker:
    """
    A thread that lives as long as the run; it connects when a revision takes long, and not before.

    Args:
        notify: hears `Blocked`, from the thread.
    """

    def __init__(self, target: Target, notify: Notify) -> None:
        self.seen: tuple[str, ...] = ()  # who was in the way of the revision under way, when somebody was seen last
        self._target = target
        self._notify = notify
        self._task: _Task | None = None
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._since = self._last = self._said = 0.0
        self._named: tuple[str, ...] = ()
        self._looked_at: _Task | None = None

    def watch(self, session_id: str, step: Step) -> None:
        """A revision begins, on the session of this id."""
        self.seen, self._task = (), _Task(session_id, step, time.monotonic())
        if self._thread is None:
            self._thread = threading.Thread(target=self._live, name="lockgate-onlooker", daemon=True)
            self._thread.start()

    def rest(self) -> None:
        """No revision is under way."""
        self._task = None

    def cancel(self, driver_connection: Any) -> None:
        """Stop the statement that runs on env.py's connection, from outside where that is the only way."""
        self._target.dialect.cancel(driver_connection, self._target.url)

    def close(self) -> None:
        """End the thread."""
        self._task = None
        self._closed.set()
        if self._thread is not None:
            self._thread.join(1.0)  # it may be connecting; then it ends by itself, and nobody has to wait for that

    def _live(self) -> None:
        with ExitStack() as stack:
            session: BareSession | None = None
            while not self._closed.wait(_LOOK_EVERY):
                task = self._task
                if task is None or time.monotonic() - task.began < _LOOK_AFTER:
                    continue
                try:
                    session = session or stack.enter_context(opened(self._target))
                    self._look(session, task)
                except Exception:  # a look that fails must not disturb the run, which hears of the same trouble soon enough
                    stack.close()
                    session = None

    def _look(self, session: BareSession, task: _Task) -> None:
        by = tuple(self._target.dialect.blockers(session, task.session_id))
        session.rollback()
        now, first, self._looked_at = time.monotonic(), self._looked_at is not task, task
        if not by:
            return
        if first or now - self._last > _FORGET_AFTER:
            self._since, self._said = task.began if first else now - _LOOK_EVERY, 0.0
        self.seen, self._last = by, now
        waited = now - self._since
        if waited >= _SAY_AFTER and (now - self._said >= _SAY_AGAIN or by != self._named) and self._task is task:
            self._said, self._named = now, by
            self._notify(Blocked(task.step, by, waited))
