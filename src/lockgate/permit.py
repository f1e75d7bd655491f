"""
What proves that somebody passed the gate, and the connection that it is bound to.

A function that changes a database takes a `Permit`; a function that reads takes a `Session`. `Permit(` is written in one
place, `runs/gate.py`, after the guard said yes on the very session that the permit holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from lockgate.records import dataclass
from lockgate.words import Identity, Sight, VersionTable

Row = tuple[object, ...]


class Session(Protocol):
    """One open connection, whichever driver or library it came from, for lockgate's own statements."""

    def execute(self, sql: str, params: Mapping[str, object] | None = None) -> list[Row]:
        """Run one statement with `:name` parameters; return its rows, none for a statement without a result."""

    def write(self, sql: str, params: Mapping[str, object] | None = None) -> int:
        """Run one writing statement with `:name` parameters; return the number of rows that it wrote."""

    def commit(self) -> None:
        """Commit what this session wrote."""

    def rollback(self) -> None:
        """End the transaction without keeping anything."""


@dataclass(frozen=True)
class Spelling:
    """
    How a database spells what lockgate's own statements on somebody else's connection need.

    Whoever may create objects in a schema of the search_path can put an operator or a function of his own in the way of one that
    is named without its schema; it would run with the migration's rights (CVE-2018-1058).

    Args:
        equal: the operator, so that no other schema's is taken.
        plus: the same for an addition.
        digest: expression for the SHA-256, in hexadecimal digits, of the texts `{0}` one after the other; empty where the
            database cannot compute it within the statement that writes.
        now: expression for the database's time, where `digest` is not empty.
        rules: question, likewise, that has a row where the table `{0}` has rules, which no write within another statement may meet.
    """

    equal: str = "="
    plus: str = "+"
    digest: str = ""
    now: str = ""
    moment_text: str = "{0}"
    rules: str = ""


@dataclass(frozen=True)
class Author:
    """
    Who runs what, for the ledger.

    Args:
        run: one id for all rows of one run.
        ci_job: link or name of the CI job; empty outside CI.
        git_commit: the commit of the project's checkout; empty where there is none.
        version: lockgate's own.
    """

    run: str
    operator: str
    ci_job: str = ""
    git_commit: str = ""
    version: str = ""


@dataclass(frozen=True, eq=False)
class Permit:
    """
    Proof that the guard allowed `verb` on the database behind `session`, under lockgate's lock where the verb takes it.

    Args:
        sight: what was seen on this very session when the guard decided.
        identity: the marker as it stands now, written by this run where the database had none.
        version_table: Alembic's table as env.py names it.
        spelling: of the database behind `session`.
    """

    session: Session
    verb: str
    environment: str
    sight: Sight
    identity: Identity
    author: Author
    version_table: VersionTable = field(default_factory=VersionTable)
    spelling: Spelling = Spelling()
