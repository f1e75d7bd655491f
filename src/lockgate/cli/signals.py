"""SIGTERM and SIGINT: the first one stops the statement under way and ends the run in good order, a second one ends the process at once."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from lockgate.interruption import Ended, cancel_running

_ENDING = (signal.SIGINT, signal.SIGTERM)
_EXIT = 128  # what a shell adds to the number of the signal that ended a process


@contextmanager
def signals_end() -> Iterator[None]:
    """While active, the first of the signals raises KeyboardInterrupt or Ended; every connection is closed on the way up."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread may set a handler
        yield
        return
    heard, told = socket.socketpair()
    told.setblocking(False)
    listener = threading.Thread(target=_listen, args=(heard,), daemon=True)
    listener.start()
    handler = _Handler()
    # One that is ignored stays so: a shell lets its background jobs ignore Ctrl-C, nohup what it starts.
    before = [(number, signal.signal(number, handler)) for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    # Written to by Python's handler in C, at once: also while the main thread waits for a driver that waits for the server.
    wakeup = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, theirs in before:
            signal.signal(number, theirs)
        told.close()
        listener.join()
        heard.close()


class _Handler:
    """Raises in the main thread, once."""

    def __init__(self) -> None:
        self._called = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._called:
            _exit(number)
        self._called = True
        raise Ended if number == signal.SIGTERM else KeyboardInterrupt


def _listen(heard: socket.socket) -> None:
    """Hear the numbers of signals until the other end is closed."""
    ending = False
    while numbers := heard.recv(64):
        for number in numbers:
            if number not in _ENDING:
                continue
            if ending:
                _exit(number)
            ending = True
            cancel_running()


def _exit(number: int) -> NoReturn:
    os._exit(_EXIT + number)
