"""The known word that somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is most like `word`; empty where none is."""
    from difflib import get_close_matches  # here: it costs a start more than the module that asks, and only mistakes need it

    return next(iter(get_close_matches(word, known, 1)), "")
