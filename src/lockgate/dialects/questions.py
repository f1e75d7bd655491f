"""What a plan asks of the target, of a database product that can answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from lockgate.dialects.base import BareSession
from lockgate.hazards.answers import Preflight, Workload
from lockgate.hazards.demands import Demand
from lockgate.hazards.questions import Check
from lockgate.hazards.workload import Tried
from lockgate.permit import Session


class Questions(Protocol):
    """
    One product's part; nothing here writes.

    Attributes:
        tells_reads: a trace tells which tables a statement read, so that what was proved without a look needs no question.
        knows_queries: queries of applications can be had, and tried.
    """

    tells_reads: bool
    knows_queries: bool

    def names(self, session: Session, tables: Collection[str]) -> Mapping[str, str]:
        """Return tables as SQL names them, quoted where needed, by their qualified names; those that are not there are left out."""

    def demands(self, session: Session, tables: Collection[str]) -> Sequence[Demand]:
        """Return what tables demand of their rows, by their qualified names; none where that cannot be told, or those that are not there."""

    def sql(self, session: Session, check: Check, names: Mapping[str, str]) -> str:
        """
        Return the SELECT that answers a question with one number.

        Args:
            names: of the tables that it is about.
        Raises:
            LookupError: there is no such SELECT, with the reason.
        """

    def estimated(self, session: BareSession, check: Check) -> int:
        """
        Return how many rows of a table a statement will write, as the planner estimates it; nothing is run.

        Raises:
            LookupError: it cannot be told, with the reason.
        """

    def preflight(self, session: Session, needed: Mapping[str, Collection[str]]) -> Preflight:
        """
        Ask who holds tables, who gets copies of them, and what the role may not do.

        Args:
            needed: rights that the plan needs (`owner`, `INSERT`, ...) by the tables' qualified names.
        """

    def workload(self, session: Session, most: int) -> Workload:
        """Return the queries that ran on this database, as `queries` that break nothing yet; `most` of them, most calls first."""

    def tried(self, session: Session, queries: Sequence[str]) -> Sequence[Tried]:
        """Say of each query how the schema of a scratch database takes it, without running it."""
