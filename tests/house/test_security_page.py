"""The page on security names tests; a countermeasure whose test is gone is a promise that nobody keeps."""

from __future__ import annotations

import re
from pathlib import Path


def test_every_test_that_the_page_names_is_there(root: Path) -> None:
    """Renamed or deleted, the row has to follow."""
    named = set(re.findall(r"`(\w+/test_\w+\.py)`", (root / "docs" / "security.md").read_text(encoding="utf-8")))
    assert len(named) > 10
    assert sorted(name for name in named if not (root / "tests" / name).is_file()) == []
