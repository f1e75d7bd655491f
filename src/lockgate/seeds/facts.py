"""What one statement is found to be and to do; shared by the two ways of reading it."""

from __future__ import annotations

from dataclasses import dataclass, field

from lockgate.seeds.script import Part
from lockgate.seeds.spec import TableName

UNREADABLE = "its body cannot be read: it may do anything"
OUTSIDE = "it must run outside a transaction"
CONTROL = "transaction control"
NO_WHERE = "{} without WHERE"
CONSTANT_WHERE = "{} whose WHERE names no column"
UNKNOWN = "{} is not known to be harmless"


@dataclass(frozen=True)
class Statement:
    """
    One statement of a script.

    Args:
        line: where it begins, from 1.
        text: to be sent as it is, without semicolon.
        kind: `insert`, `update`, `delete`, `merge`, `truncate`, `drop`, `alter`, `create`, `select`, `set`, `copy`, `do` or `other`.
        tables: every table that is named, those written to first; names as written, folded like the server does.
        writes: those that are written to.
        destructive: why it needs `destructive = true` and a confirmation; empty for one that does not.
        forbidden: why no seed may say it; empty for one that may.
        leaves_transaction: it ends the transaction, or the server refuses it inside one.
        data: the lines that follow a COPY from stdin.
    """

    line: int
    text: str
    kind: str
    tables: tuple[TableName, ...] = ()
    writes: tuple[TableName, ...] = ()
    destructive: str = ""
    forbidden: str = ""
    leaves_transaction: bool = False
    data: str | None = None


@dataclass
class Facts:
    """Collected while a statement is read; the first reason of each sort is the one that is told."""

    kind: str = "other"
    writes: list[TableName] = field(default_factory=list)
    reads: list[TableName] = field(default_factory=list)
    destructive: str = ""
    forbidden: str = ""
    leaves_transaction: bool = False

    def destroys(self, why: str) -> None:
        """Note why it may destroy."""
        self.destructive = self.destructive or why

    def leaves(self, why: str) -> None:
        """Note that it leaves the transaction."""
        self.destroys(why)
        self.leaves_transaction = True

    def forbid(self, why: str) -> None:
        """Note why no seed may say it; nothing for an empty reason."""
        self.forbidden = self.forbidden or why

    def statement(self, part: Part) -> Statement:
        """Return the statement with all that was found."""
        writes = tuple(dict.fromkeys(self.writes))
        return Statement(
            line=part.line,
            text=part.text,
            kind=self.kind,
            tables=tuple(dict.fromkeys([*writes, *self.reads])),
            writes=writes,
            destructive=self.destructive,
            forbidden=self.forbidden,
            leaves_transaction=self.leaves_transaction,
            data=part.data,
        )
