"""
Ending a run from outside: which exception a signal becomes, and what has to be called to stop the statement under way.

A driver that waits in C hears of no Python signal handler before the server has answered; only another thread can stop it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_PATIENCE = 5.0  # seconds for a server to be asked; a network that is cut must not hold up the end of the process


class Ended(KeyboardInterrupt):
    """SIGTERM. A kind of KeyboardInterrupt, because that is what drivers cancel their statement in the server for."""


def reason(error: KeyboardInterrupt) -> str:
    """Say what ended the run."""
    return "terminated by SIGTERM" if isinstance(error, Ended) else "interrupted"


def behind(error: BaseException) -> KeyboardInterrupt | None:
    """
    Find the signal that an error came up in the wake of; None where there was none.

    Whoever tidies up on the way, as Alembic's batch operations do, finds the connection gone and raises that instead.
    """
    known: set[int] = set()
    context: BaseException | None = error
    while context is not None and id(context) not in known:
        if isinstance(context, KeyboardInterrupt):
            return context
        known.add(id(context))
        context = context.__cause__ or context.__context__
    return None


def swallow(error: type[KeyboardInterrupt]) -> None:
    """Keep a signal's exception that Python could not raise, until somebody takes it."""
    _swallowed.append(error)


def take_swallowed() -> KeyboardInterrupt | None:
    """Return the exception that was kept, once: what fails behind it was only stopped by it."""
    return _swallowed.pop()() if _swallowed else None


@contextmanager
def cancellable(cancel: Callable[[], None]) -> Iterator[None]:
    """
    While the block runs, let a signal call `cancel`.

    Where the block is interrupted, by a signal or otherwise, it does not end before the statement was stopped: a driver that waits
    in Python lets go of the connection at once, and the server would work on.

    Args:
        cancel: stops the statement that runs on a connection; called from another thread, harmless where none runs.
    """
    stop = _Stop(cancel)
    _stops.append(stop)
    try:
        yield
    except (Exception, SystemExit, GeneratorExit):
        raise
    except BaseException:  # KeyboardInterrupt, and what an event loop makes of it for its tasks
        stop.begin()
        raise
    finally:
        _stops.remove(stop)
        stop.wait()


def cancel_running(again: bool = False) -> None:
    """
    Stop the statements under way in this process.

    Args:
        again: also on connections where one was stopped before.
    """
    for stop in tuple(_stops):
        stop.begin(again)


class _Stop:
    """Calls `cancel` in a thread of its own: it may take its time, and a second signal must be heard."""

    def __init__(self, cancel: Callable[[], None]) -> None:
        self._cancel = cancel
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    def begin(self, again: bool = False) -> None:
        """
        Call it, unless somebody has.

        Args:
            again: also where somebody has, and it is over.
        """
        with self._guard:
            if self._thread is None or (again and not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name="lockgate-cancel", daemon=True)
                self._thread.start()

    def wait(self) -> None:
        """Wait for the call, where there was one."""
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    def _run(self) -> None:
        with suppress(Exception):  # the connection may be gone, and the run ends all the same
            self._cancel()


_stops: list[_Stop] = []
_swallowed: list[type[KeyboardInterrupt]] = []
