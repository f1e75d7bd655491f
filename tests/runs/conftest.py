"""Fixtures for whole verbs: a tiny project, and databases as a user would look at them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from building import Tiny, tiny


@pytest.fixture
def project(tmp_path: Path) -> Tiny:
    """A project with Alembic's generic env.py and no revision yet."""
    folder = tmp_path / "project"
    folder.mkdir()
    return tiny(folder)
