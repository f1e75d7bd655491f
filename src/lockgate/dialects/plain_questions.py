"""
Questions about rows as SELECTs that products other than PostgreSQL share; each adds how it quotes names and which values a type holds.

Keys are names of columns here, or names in double quotes: these catalogs tell no expressions. Nobody asks who is at work, nor for queries.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence

from lockgate.hazards.answers import Preflight, Workload
from lockgate.hazards.demands import Demand
from lockgate.hazards.names import Column, parts
from lockgate.hazards.questions import Check, Source
from lockgate.hazards.workload import Tried
from lockgate.permit import Session


class PlainQuestions:
    """See `Questions`."""

    tells_reads = False
    knows_queries = False

    @abstractmethod
    def names(self, session: Session, tables: Collection[str]) -> Mapping[str, str]:
        """See `Questions`."""

    @abstractmethod
    def quoted(self, name: str) -> str:
        """Return an identifier in the product's quotation marks."""

    @abstractmethod
    def misfits(self, key: str, was: str, now: str) -> str:
        """
        Return the condition for values that do not become one of type `now`; empty where there is none.

        Raises:
            LookupError: there is no such condition, with the reason.
        """

    def demands(self, session: Session, tables: Collection[str]) -> Sequence[Demand]:
        return ()

    def preflight(self, session: Session, needed: Mapping[str, Collection[str]]) -> Preflight:
        return Preflight()

    def workload(self, session: Session, most: int) -> Workload:
        return Workload()

    def tried(self, session: Session, queries: Sequence[str]) -> Sequence[Tried]:
        return ()

    def sql(self, session: Session, check: Check, names: Mapping[str, str]) -> str:
        rows = self._rows(check.source, names)
        keys = [self._key(key) for key in check.keys]
        kind = check.answer.kind
        if kind in ("rows", "values"):
            return f"select count({keys[0] if keys else '*'}) from {rows}"
        if kind == "duplicates":
            return _duplicates(check, keys, rows)
        if kind == "orphans":
            return self._orphans(check, keys, rows, names)
        condition = f"{keys[0]} is null" if kind == "nulls" else f"not ({check.condition})"
        if kind == "unfit":
            condition = self.misfits(keys[0], check.was.lower(), check.now.lower())
        return f"select count(*) from {rows} where {condition}" if condition else "select 0"

    def _orphans(self, check: Check, keys: list[str], rows: str, names: Mapping[str, str]) -> str:
        assert check.other is not None
        # The column at the other end stands on the left: its collation and affinity are what the database compares by.
        pairs = zip(check.other_keys, check.keys, strict=True)
        same = " and ".join(f"parent.{self._key(other)} = child.{self._key(key)}" for other, key in pairs)
        known = " and ".join(f"{key} is not null" for key in keys)
        parents = self._rows(Source(check.other.table, "parent", check.other.columns), names)
        children = f"(select distinct {', '.join(keys)} from {rows} where {known}) as child"
        return f"select count(*) from {children} where not exists (select 1 from {parents} where {same})"

    def _rows(self, source: Source, names: Mapping[str, str]) -> str:
        """A FROM item that has the columns by the names of the plan; a name that means two things is refused by the server."""
        if source.table not in names:
            raise LookupError(f"`{source.table}` is not there")
        table, alias = names[source.table], self.quoted(source.alias)
        if not source.columns:
            return f"{table} as {alias}"
        others = ", ".join(f"{self._value(column)} as {self.quoted(column.name)}" for column in source.columns)
        return f"(select t.*, {others} from {table} as t) as {alias}"

    def _value(self, column: Column) -> str:
        return f"t.{self.quoted(column.original)}" if column.original else f"({column.default or 'null'})"

    def _key(self, key: str) -> str:
        return self.quoted(parts(key)[0] if key.startswith('"') else key)


def _duplicates(check: Check, keys: list[str], rows: str) -> str:
    if not keys:
        raise LookupError("a key that is an expression, or a part of a text, is not asked for")
    conditions = [f"({check.condition})"] if check.condition else []
    where = " and ".join((*conditions, *(f"{key} is not null" for key in keys)))
    again = f"select 1 from {rows} where {where} group by {', '.join(keys)} having count(*) > 1"
    return f"select count(*) from ({again}) as again"
