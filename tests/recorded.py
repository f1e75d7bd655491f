"""Effects of 110 operations as they were traced, for tests of rules that need no server; written by `tests/hands/test_trace.py`."""

from __future__ import annotations

from pathlib import Path

from lockgate.hazards.effects import Effects, read_effects

RECORD = Path(__file__).parent / "thought" / "effects.tsv"


def recorded() -> dict[str, Effects]:
    """The record: a line per operation, its name and its effects."""
    lines = RECORD.read_text(encoding="utf-8").splitlines()
    return {name: read_effects(text) for name, _, text in (line.partition("\t") for line in lines)}
