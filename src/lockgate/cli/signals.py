"""SIGTERM and SIGINT: the first one stops the statement under way and ends the run in good order, a second one ends the process at once."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from lockgate.interruption import Ended, cancel_running, swallow, take_swallowed

_ENDING = (signal.SIGINT, signal.SIGTERM)
_AGAIN_S = 0.02  # until the callback that swallowed an exception is over
_EXIT = 128  # what a shell adds to the number of the signal that ended a process


@contextmanager
def signals_end() -> Iterator[None]:
    """While active, the first of the signals raises KeyboardInterrupt or Ended; every connection is closed on the way up."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread may set a handler
        yield
        return
    heard, told = socket.socketpair()
    told.setblocking(False)
    handler = _Handler()
    listener = threading.Thread(target=handler.listen, args=(heard,), daemon=True)
    listener.start()
    # One that is ignored stays so: a shell lets its background jobs ignore Ctrl-C, nohup what it starts.
    before = [(number, signal.signal(number, handler)) for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    # Written to by Python's handler in C, at once: also while the main thread waits for a driver that waits for the server.
    wakeup = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    unheard = sys.unraisablehook
    ended = threading.Event()
    sys.unraisablehook = handler.once_more(unheard, ended)
    try:
        yield
    finally:
        ended.set()
        sys.unraisablehook = unheard
        signal.set_wakeup_fd(wakeup)
        for number, theirs in before:
            signal.signal(number, theirs)
        told.close()
        listener.join()
        heard.close()


class _Handler:
    """Raises in the main thread, once; once more where Python had to swallow what it raised."""

    def __init__(self) -> None:
        self._called = False
        # Signals that this process sends to itself: one count for each that hears of them, in whatever order.
        self._to_raise = self._to_cancel = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._called and not self._to_raise:
            _exit(number)
        if self._called:
            self._to_raise -= 1
        self._called = True
        _say_nothing_of_connections()
        raise Ended if number == signal.SIGTERM else KeyboardInterrupt

    def listen(self, heard: socket.socket) -> None:
        """Hear the numbers of signals until the other end is closed."""
        ending = False
        while numbers := heard.recv(64):
            for number in numbers:
                if number not in _ENDING:
                    continue
                if ending and not self._to_cancel:
                    _exit(number)
                if ending:
                    self._to_cancel -= 1
                cancel_running(again=ending)
                ending = True

    def once_more(self, unheard: Callable[[Any], Any], ended: threading.Event) -> Callable[[Any], None]:
        """
        Return a hook for exceptions that came up in `__del__` or in a weak reference's callback.

        Args:
            unheard: the hook for all but those of signals.
            ended: set when there is nothing to interrupt any more.
        """

        def hook(swallowed: Any) -> None:
            if swallowed.exc_type in (Ended, KeyboardInterrupt):
                swallow(swallowed.exc_type)
                threading.Thread(target=self._send, args=(ended,), daemon=True).start()
            else:
                unheard(swallowed)

        return hook

    def _send(self, ended: threading.Event) -> None:
        found = None if ended.wait(_AGAIN_S) else take_swallowed()
        if found is None:
            return  # a statement that the signal stopped has told of it
        self._to_raise += 1
        self._to_cancel += 1
        os.kill(os.getpid(), signal.SIGTERM if isinstance(found, Ended) else signal.SIGINT)


def _say_nothing_of_connections() -> None:
    """SQLAlchemy's pool logs a hundred lines of a connection that comes back in the middle of a statement: whoever ended the run knows why."""
    if "sqlalchemy.pool" in sys.modules:
        import logging  # which SQLAlchemy has imported

        logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


def _exit(number: int) -> NoReturn:
    os._exit(_EXIT + number)
