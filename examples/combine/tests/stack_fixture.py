"""The stack as a fixture: one for the whole session, in a folder of its own, gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.local import Stack


@contextmanager
def temporary_stack() -> Iterator[Stack]:
    """A stack that was not started; at the end it is stopped and removed, in whatever state it is."""
    # Not below pytest's own temporary folder: each new session of pytest closes that to the user whom root's server runs as.
    stack = Stack(Path(tempfile.mkdtemp(prefix="combine-")))
    try:
        yield stack
    finally:
        stack.down(delete=True)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A running, provisioned stack; a test that stops a part of it calls `stack.up()` before it ends."""
    with temporary_stack() as stack:
        stack.up()
        yield stack
