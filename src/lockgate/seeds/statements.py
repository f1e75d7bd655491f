"""
A SQL seed's text -> classified statements: what each touches, whether it may destroy, whether it may run at all.

PostgreSQL's statements are read by its own grammar (postgast); without that, and for SQLite, by their words, where every doubt
counts against the statement.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from lockgate.seeds.facts import Statement
from lockgate.seeds.grammar import Grammar
from lockgate.seeds.script import parts
from lockgate.seeds.tree import by_tree
from lockgate.seeds.worded import by_words


def statements(text: str, grammar: Grammar, where: str = "", version_table: str = "alembic_version") -> Iterator[Statement]:
    """
    Read a script, statement by statement.

    What a function of the user's own does is not known to anybody who only reads; that is what the idempotency proof and
    its rollback are for.

    Args:
        text: the whole script.
        where: the file's path, for errors.
        version_table: Alembic's; no seed may write it.
    Raises:
        Refused: `seed-forbidden`, for a command of psql.
        UsageError: `seed-file`, for what is no SQL, with file and line.
    """
    grammars = parser() if grammar is Grammar.POSTGRES else None
    for part in parts(text, grammar, where):
        found = by_tree(part, grammars, where, version_table) if grammars else None
        yield found or by_words(part, grammar, version_table)


def has_parser() -> bool:
    """Whether PostgreSQL's own grammar is installed; without it more is refused."""
    return parser() is not None


def parser() -> Any:
    """Return PostgreSQL's own grammar, the module postgast; None where it is not installed."""
    try:
        return importlib.import_module("postgast")
    except ImportError:
        return None
