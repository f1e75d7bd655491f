"""What a target answered: about its rows, about who works on it, and about the queries that its applications are known to send."""

from __future__ import annotations

from typing import Literal

from lockgate.hazards.seen import Value

Kind = (
    Literal["rows", "values", "nulls", "duplicates", "orphans", "violations", "outside", "unfit", "written", "deleted"]
    | Literal["referenced", "taken", "computed", "carried", "unset", "covered"]
)
ESTIMATED = ("written", "deleted")
ALONG = ("carried", "unset")
_STANDS_IN_NO_WAY = ("values", "covered", *ESTIMATED, *ALONG)


class Answer(Value, frozen=True):
    """
    How many rows of the target stand in the way of a statement, or go with it.

    Args:
        revision: of the statement. number: its own within the revision.
        kind: `rows` and `values` (that are not NULL) count what goes or what a new column would have to be filled in for; `nulls`, `duplicates`
            (keys that occur more than once), `orphans` (keys without a row at the other end), `violations` (of a CHECK), `outside` (of a
            partition's bounds) and `unfit` (values that the new type does not hold) count what breaks the statement; `written` and `deleted` are rows that a statement
            writes by the estimate of the target's planner, or has written where its rows came along. Of a DELETE, an INSERT or an UPDATE: `referenced` (rows of `table` that refer by `subject` to a key that goes), `taken`
            (keys of an INSERT) and `computed` (1 where a new value fails for a row, for the reason in `unknown`) break it; `carried` and `unset` are rows that go along
            or lose what they refer to; `covered` (0) says that nothing but the answers beside it can make it fail.
        table: qualified, as the target knows it.
        subject: column, constraint or index, as the plan calls it; empty for the table as a whole.
        count: -1 where it is not known.
        unknown: why it is not known.
        planned: it hangs on what the plan itself does before, so that no target could answer.
        written: where the plan writes rows of the table before the statement, which may change the answer: `r2 line 14`.
    """

    revision: str
    number: int
    kind: Kind
    table: str
    subject: str = ""
    count: int = -1
    unknown: str = ""
    planned: bool = False
    written: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether the target alone decides whether rows stand in the way of the statement, and it said that none do."""
        return self._finds_none and not self.written

    @property
    def is_overtaken(self) -> bool:
        """Whether no row stands in the way today, and the plan itself writes rows before the statement."""
        return self._finds_none and self.written != ""

    @property
    def _finds_none(self) -> bool:
        decides = self.kind not in ("rows", *_STANDS_IN_NO_WAY) or (self.kind == "rows" and self.subject != "")  # what goes stands in no way
        return decides and self.count == 0


class Holder(Value, frozen=True):
    """
    A transaction that holds a table of the plan, so that a statement would wait for it.

    Args:
        table: qualified, as the target knows it.
        modes: in which it holds the table; see `seen.MODES`.
        kind: `session`, `idle` (idle in transaction), `prepared` (a prepared transaction) or `wraparound` (autovacuum that does not give way).
        who: for people: user, application, process id.
        seconds: since its transaction began.
    """

    table: str
    modes: tuple[str, ...]
    kind: Literal["session", "idle", "prepared", "wraparound"]
    who: str
    seconds: float


class Publication(Value, frozen=True):
    """
    A table of the plan that is published by logical replication.

    Args:
        identity: whether rows can be told apart at the subscriber (`REPLICA IDENTITY`, or a primary key).
    """

    table: str
    name: str
    identity: bool = True


class Standby(Value, frozen=True):
    """A standby; `lag_s` is how far its replay is behind, -1 where the role may not see that."""

    name: str
    lag_s: float = -1.0


class Lacking(Value, frozen=True):
    """What the role may not do: `right` is `owner`, `CREATE` (on a schema), `EXTENSION` (make it), `NO EXTENSION` (the server does not have it), `INSERT`, `UPDATE`, `DELETE` or `REFERENCES`."""

    table: str
    right: str
    role: str


class Preflight(Value, frozen=True):
    """
    How the target was when it was asked.

    Args:
        holders: longest transaction first.
        database_bytes: of the whole database; -1 where unknown.
        lock_timeout_s: that sessions of the role have from the server, for an environment whose settings name none; 0 for none.
        invalid_indexes: qualified and quoted names; a copy of the schema does not have them.
        unknown: why there is nothing of this.
    """

    holders: tuple[Holder, ...] = ()
    publications: tuple[Publication, ...] = ()
    standbys: tuple[Standby, ...] = ()
    lacking: tuple[Lacking, ...] = ()
    database_bytes: int = -1
    lock_timeout_s: float = 0.0
    invalid_indexes: tuple[str, ...] = ()
    unknown: str = ""


class Query(Value, frozen=True):
    """
    A query of an application that the plan changes something for.

    Args:
        text: normalised and redacted.
        calls: since the counting began; -1 where unknown.
        breaks: what the server says to it after the plan; empty where it still runs.
        state: SQLSTATE of that.
        leaves_out: it is an INSERT that gives these columns (`schema.table.column`) no value, which are NOT NULL after the plan.
        retyped: its result has other types after the plan.
    """

    text: str
    calls: int = -1
    breaks: str = ""
    state: str = ""
    leaves_out: tuple[str, ...] = ()
    retyped: bool = False


class Workload(Value, frozen=True):
    """
    Queries that ran on the target, tried on the scratch before and after the plan.

    Args:
        source: `pg_stat_statements`, or the name of a file.
        known: how many of them ran before.
        hours: for how long calls were counted; 0 where nobody counted.
        queries: those that are not as before, most calls first.
        unknown: why there are none.
    """

    source: str = ""
    known: int = 0
    hours: float = 0.0
    queries: tuple[Query, ...] = ()
    unknown: str = ""
