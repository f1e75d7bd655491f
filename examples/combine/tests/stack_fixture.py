"""The stack as a fixture: one for the whole session, in a folder of its own, gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ops.local import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running, provisioned stack; a test that stops a part of it calls `stack.up()` before it ends."""
    stack = Stack(tmp_path_factory.mktemp("stack"))
    try:
        stack.up()
        yield stack
    finally:
        stack.down(delete=True)
