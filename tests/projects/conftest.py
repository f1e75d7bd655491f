"""Databases in pairs: what every story of a mixed-up database needs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from lockgate.secret import DatabaseUrl

MakeDatabase = Callable[[], DatabaseUrl]


@pytest.fixture(params=["postgresql", "sqlite"])
def make_database(request: pytest.FixtureRequest, tmp_path: Path) -> MakeDatabase:
    """Each call gives one more empty database of one kind; the tests run once for each kind."""
    if request.param == "postgresql":
        made: MakeDatabase = request.getfixturevalue("make_postgres_database")
        return made
    numbers = count(1)
    return lambda: DatabaseUrl("sqlite", database=str(tmp_path / f"app_{next(numbers)}.db"))
