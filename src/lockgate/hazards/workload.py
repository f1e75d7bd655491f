"""Queries as a schema took them before and after a plan -> those that the plan changes something for."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lockgate.hazards.answers import Query, Workload
from lockgate.secret import redact

_LONGEST = 500  # characters of a query in a report


class Tried(msgspec.Struct, frozen=True):
    """
    How a schema takes a query.

    Args:
        state: SQLSTATE of the refusal; empty where there is none.
        result: columns of what it returns, each with the number of its type.
        leaves_out: columns that are NOT NULL and that an INSERT gives no value, `schema.table.column`.
    """

    state: str = ""
    message: str = ""
    result: tuple[tuple[str, int], ...] = ()
    leaves_out: tuple[str, ...] = ()


def compare(asked: Workload, before: Sequence[Tried], after: Sequence[Tried]) -> Workload:
    """Keep the queries that ran before and are not as they were; what failed before says nothing about the plan."""
    ran = [(query, old, new) for query, old, new in zip(asked.queries, before, after, strict=True) if not old.state]
    changed = [_changed(query, old, new) for query, old, new in ran]
    return msgspec.structs.replace(asked, known=len(ran), queries=tuple(query for query in changed if query))


def _changed(query: Query, old: Tried, new: Tried) -> Query | None:
    leaves_out = tuple(column for column in new.leaves_out if column not in old.leaves_out)
    retyped = not new.state and bool(old.result) and old.result != new.result
    if not (new.state or leaves_out or retyped):
        return None
    text = " ".join(redact(query.text).split())[:_LONGEST]
    return Query(text=text, calls=query.calls, breaks=new.message, state=new.state, leaves_out=leaves_out, retyped=retyped)
