"""
Ending a run from outside: which exception a signal becomes, and what has to be called to stop the statement under way.

A driver that waits in C hears of no Python signal handler before the server has answered; only another thread can stop it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_cancels: list[Callable[[], None]] = []


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


@contextmanager
def cancellable(cancel: Callable[[], None]) -> Iterator[None]:
    """
    While the block runs, let a signal call `cancel`.

    Args:
        cancel: stops the statement that runs on a connection; called from another thread, harmless where none runs.
    """
    _cancels.append(cancel)
    try:
        yield
    finally:
        _cancels.remove(cancel)


def cancel_running() -> None:
    """Stop the statements under way in this process."""
    for cancel in tuple(_cancels):
        with suppress(Exception):  # the connection may be gone, and the run ends all the same
            cancel()
