"""
Copies of one template, ready before they are asked for.

A thread copies ahead and drops behind. A copy that was given back is recycled by whoever is free first: the thread, or the one
who waits for a database. What cannot be proved to be as new is dropped, and another copy takes its place.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from lockgate.dialects.clones import Clones, Recycler
from lockgate.errors import LockgateError
from lockgate.runs.scratch_server import ScratchServer

_BREATH_S = 0.5  # between two tries after an error
_SAMPLES = 2
_WORTH_IT = 0.8  # a strategy that is not clearly faster is not chosen: few samples say little


@dataclass
class _Copy:
    name: str
    since: str
    recycler: Recycler | None = None


@dataclass
class _Shelf:
    """What there is; all of it behind one condition."""

    ready: deque[_Copy] = field(default_factory=deque)
    returned: deque[_Copy] = field(default_factory=deque)
    dead: deque[_Copy] = field(default_factory=deque)
    out: dict[str, _Copy] = field(default_factory=dict)
    waiting: int = 0
    busy: bool = False  # whether the thread is about something
    error: Exception | None = None
    closing: bool = False


class Pool:
    """
    Copies of one template.

    Args:
        template: name of the template; it must not go away while the pool lives.
        new_name: gives each copy its name.
        spare: copies to hold ready beyond those in use, >= 0.
        recycles: False for a new copy each time.
    """

    def __init__(self, server: ScratchServer, template: str, new_name: Callable[[], str], spare: int = 1, *, recycles: bool = True) -> None:
        self._server = server
        self._template = template
        self._new_name = new_name
        self._spare = spare
        self._shelf = _Shelf()
        self._turn = threading.Condition()
        self._picture = ""
        self._recycles = recycles
        self._strategies: list[str] = []
        self._timed: dict[str, list[float]] = {}
        self._note: dict[str, str] = {}
        self._thread = threading.Thread(target=self._serve, name="lockgate-pool", daemon=True)
        self._thread.start()

    def take(self) -> str:
        """Return the name of a copy as new; waits for one where none is ready."""
        while True:
            copy, new = self._next()
            if new or self._as_new(copy):
                break
            with self._turn:
                self._shelf.dead.append(copy)
        with self._turn:
            self._shelf.out[copy.name] = copy
            self._turn.notify_all()
        return copy.name

    def give(self, name: str, *, drop: bool = False) -> None:
        """Give a copy back; `drop` where it is not to be used again."""
        with self._turn:
            copy = self._shelf.out.pop(name, None)
            if copy is not None:
                (self._shelf.dead if drop or not self._picture else self._shelf.returned).append(copy)
                self._turn.notify_all()

    def clear(self, clones: Clones, name: str = "") -> None:
        """Drop now whatever somebody has used: the copy of that name, and all that were given back."""
        shelf = self._shelf
        with self._turn:
            self._turn.wait_for(lambda: not shelf.busy)
            used = [*shelf.returned, *shelf.dead, *filter(None, [shelf.out.pop(name, None)])]
            shelf.returned.clear()
            shelf.dead.clear()
        for copy in used:
            self._drop(clones, copy)

    def release(self, name: str) -> None:
        """Forget a copy: it stays where it is, and is nobody's."""
        with self._turn:
            copy = self._shelf.out.pop(name, None)
        if copy is not None and copy.recycler is not None:
            copy.recycler.close()

    def close(self) -> None:
        """Drop everything, copies in use included."""
        with self._turn:
            self._shelf.closing = True
            self._turn.notify_all()
        self._thread.join()

    def _next(self) -> tuple[_Copy, bool]:
        """Wait for a copy; whether it is as new, or was given back and must be recycled."""
        shelf = self._shelf
        with self._turn:
            shelf.waiting += 1
            self._turn.notify_all()
            try:
                self._turn.wait_for(lambda: shelf.ready or shelf.error or shelf.returned)
            finally:
                shelf.waiting -= 1
            if shelf.ready:
                return shelf.ready.popleft(), True
            if shelf.error:
                error, shelf.error = shelf.error, None
                raise error
            return shelf.returned.popleft(), False

    def _as_new(self, copy: _Copy) -> bool:
        try:
            if copy.recycler is None:
                with self._server.entered() as clones:
                    copy.recycler = clones.recycler(copy.name, copy.since, self._picture)
            return copy.recycler.recycle()
        except LockgateError:
            return False  # it cannot be entered: the test may have dropped it

    def _serve(self) -> None:
        while not self._shelf.closing:
            try:
                with self._server.entered() as clones:
                    self._read_note(clones)
                    while (job := self._job()) is not None:
                        job(clones)
                        self._done()
                    self._drop_all(clones)
            except Exception as error:
                self._done(error)

    def _done(self, error: Exception | None = None) -> None:
        """A job has ended; whoever waits is told of an error, and then it is tried again."""
        shelf = self._shelf
        with self._turn:
            shelf.busy = False
            shelf.error = error if shelf.waiting else None
            self._turn.notify_all()
            if error:
                self._turn.wait(_BREATH_S)

    def _job(self) -> Callable[[Clones], None] | None:
        """Wait for something to do; the most urgent first."""
        shelf = self._shelf
        with self._turn:
            while not shelf.closing:
                job = self._most_urgent()
                if job is not None:
                    shelf.busy = True
                    return job
                self._turn.wait()
        return None

    def _most_urgent(self) -> Callable[[Clones], None] | None:
        shelf = self._shelf
        if shelf.returned:
            copy = shelf.returned.popleft()
            return lambda clones: self._recycle(copy)
        if len(shelf.ready) < shelf.waiting + (self._spare if shelf.out or shelf.waiting else 0):
            return self._copy
        if shelf.dead:
            dead = shelf.dead.popleft()
            return lambda clones: self._drop(clones, dead)
        return None

    def _recycle(self, copy: _Copy) -> None:
        good = self._as_new(copy)
        with self._turn:
            (self._shelf.ready if good else self._shelf.dead).append(copy)
            self._turn.notify_all()

    def _copy(self, clones: Clones) -> None:
        strategy, name = self._strategies[0], self._new_name()
        began = time.perf_counter()
        since = clones.clone(self._template, name, strategy)
        self._timed.setdefault(strategy, []).append(time.perf_counter() - began)
        with self._turn:
            self._shelf.ready.append(_Copy(name, since))
            self._turn.notify_all()
        self._choose(clones)

    def _read_note(self, clones: Clones) -> None:
        self._note = json.loads(clones.noted(self._template) or "{}")
        self._picture = self._note.get("picture", "") if self._recycles else ""
        known = self._note.get("strategy", "")
        self._strategies = [known] if known in clones.strategies else list(clones.strategies)

    def _choose(self, clones: Clones) -> None:
        """Time each strategy on copies that were wanted anyway, the first two of each, and remember the faster beside the template."""
        if len(self._strategies) == 1:
            return
        self._strategies.append(self._strategies.pop(0))
        if any(len(self._timed.get(strategy, ())) < _SAMPLES for strategy in self._strategies):
            return
        first, *others = clones.strategies
        best = min(others, key=lambda strategy: min(self._timed[strategy]))
        best = best if min(self._timed[best]) < _WORTH_IT * min(self._timed[first]) else first
        self._strategies = [best]
        clones.note(self._template, json.dumps({**self._note, "strategy": best}))

    def _drop(self, clones: Clones, copy: _Copy) -> None:
        if copy.recycler is not None:
            copy.recycler.close()
        clones.drop(copy.name)

    def _drop_all(self, clones: Clones) -> None:
        shelf = self._shelf
        for copy in (*shelf.dead, *shelf.returned, *shelf.ready, *shelf.out.values()):
            self._drop(clones, copy)
