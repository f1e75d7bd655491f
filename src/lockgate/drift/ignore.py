"""Differences that the settings do not want to hear of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from lockgate.drift.compare import Difference
from lockgate.drift.snapshot import Snapshot

WORDS = tuple(kind.word for kind in Snapshot.LISTS)


def without_ignored(differences: Iterable[Difference], patterns: Sequence[str]) -> tuple[Difference, ...]:
    """
    Return the differences that no pattern names.

    Args:
        patterns: `table audit_*`, `extension pg_stat_statements`, `*.tmp_*`: a kind and a dotted name, or a name alone, with
            the wildcards `*` and `?`. A pattern that names a table takes with it what belongs to that table.
    """
    return tuple(difference for difference in differences if not any(_names(pattern, difference) for pattern in patterns))


def names_extension(patterns: Sequence[str], name: str) -> bool:
    """Whether an extension is ignored, so that nobody need have it."""
    return any(_matches(pattern, "extension", name) for pattern in patterns)


def _names(pattern: str, difference: Difference) -> bool:
    own = _matches(pattern, difference.kind, difference.path)
    return own or (bool(difference.table) and _matches(pattern, "table", difference.table))


def _matches(pattern: str, kind: str, path: str) -> bool:
    word, blank, name = pattern.partition(" ")
    if blank and word in WORDS:
        return word == kind and fnmatchcase(path, name.strip())
    return fnmatchcase(path, pattern)
