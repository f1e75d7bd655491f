"""
What revisions did to a scratch copy of a database, statement by statement: all that judging them needs, as frozen values with a JSON form.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lockgate.errors import UsageError
from lockgate.hazards.answers import Answer, Preflight, Workload
from lockgate.hazards.demands import Demand
from lockgate.hazards.past import Ran
from lockgate.hazards.seen import Build, Change, Drop, Fault, Lock, Relation, Rewrite, Rows, Scan, Value

FORMAT = 1
DUMP, COPY, SCHEMA, REPLAY = "pg_dump", "copy", "schema", "replay"  # sources of a plan's schema; see `Effects`


class Effect(Value, frozen=True):
    """
    One statement and what it did.

    Args:
        number: counted from 1 within its revision.
        line: of the call in the revision's file; 0 where it cannot be told.
        text: redacted.
        command: its first words: `ALTER TABLE`, `CREATE INDEX`, `UPDATE`.
        transaction: counted from 1 through the plan; statements that share one keep each other's locks.
        autocommit: it ran outside a transaction of the revision (`autocommit_block`).
        concurrently: it says CONCURRENTLY. Such a statement has neither `scans` nor `written`: the server counts them in transactions.
        released: locks that its transaction took before and had no more when it began, as it went back to a savepoint.
        rowcount: as the driver says; -1 where it says nothing.
        written: tables whose rows it wrote.
        notices: the server's NOTICEs and WARNINGs.
        caught: the revision went on behind its fault, and ended well.
        spared: a comment allows that it fails, and the revision was let go on behind it.
        ms: milliseconds on the scratch, which holds no rows unless it is a `copy`.
    """

    number: int
    line: int
    text: str
    command: str
    transaction: int
    autocommit: bool = False
    concurrently: bool = False
    locks: tuple[Lock, ...] = ()
    released: tuple[Lock, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    scans: tuple[Scan, ...] = ()
    builds: tuple[Build, ...] = ()
    changes: tuple[Change, ...] = ()
    drops: tuple[Drop, ...] = ()
    written: tuple[Rows, ...] = ()
    rowcount: int = -1
    notices: tuple[str, ...] = ()
    fault: Fault | None = None
    caught: bool = False
    spared: bool = False
    ms: int = 0


class RevisionEffects(Value, frozen=True):
    """
    One revision in one direction.

    Args:
        file: below the project's folder.
        direction: `upgrade` or `downgrade`.
        own_transaction: its first statements ran in a transaction of its own (lockgate always sees to it).
        not_run: lines of its function that did not run, which the plan therefore knows nothing about.
        fault: what broke it; the revisions behind it were not run.
    """

    id: str
    file: str
    direction: str
    message: str = ""
    own_transaction: bool = True
    effects: tuple[Effect, ...] = ()
    not_run: tuple[int, ...] = ()
    fault: Fault | None = None


class Size(Value, frozen=True):
    """
    How large a table of the target is, by its statistics and files.

    Args:
        path: qualified name on the target; see `Relation.original`.
        rows: estimated; -1 where it was never analysed.
        heap_bytes: of the table and its TOAST. index_bytes: of all its indexes.
        indexes: their number.
        partitions: number of leaves, whose sizes the numbers then are.
    """

    path: str
    rows: int = -1
    heap_bytes: int = 0
    index_bytes: int = 0
    indexes: int = 0
    partitions: int = 0


class EditedFile(Value, frozen=True):
    """A revision whose file does something else now than when it was applied."""

    revision: str
    file: str


class Beside(Value, frozen=True):
    """A revision of the plan that does not come after all that is applied: `heads` are what it does not follow."""

    revision: str
    heads: tuple[str, ...]


class History(Value, frozen=True):
    """
    What the files say about the order of revisions.

    Args:
        heads: of the files, where there are several and no labels tell that this is meant.
        edited: applied revisions. refuses_edited: the environment is not upgraded as long as there are any.
    """

    heads: tuple[str, ...] = ()
    edited: tuple[EditedFile, ...] = ()
    refuses_edited: bool = False
    beside: tuple[Beside, ...] = ()


class Effects(Value, frozen=True):
    """
    A traced plan.

    Args:
        format: of the JSON; 1.
        environment: whose plan it is; empty where the schema was replayed from base.
        heads: applied revisions when the plan began, sorted. target: in Alembic's notation.
        scratch: product and version of the server that ran it; server: of the target, empty where there is none.
        source: where the schema came from: `pg_dump` of the target, `copy` of the target with its rows, `schema` of the target alone,
            `replay` from base, or `static`: there is none, nothing was run.
        stubs: extensions of the target that the scratch server lacks and that were imitated.
        back: what the same revisions' downgrades did on the scratch afterwards, newest first; empty where an upgrade failed or there
            were several heads to go back to.
        unrestored: what is different after that from what was there when the plan began; column order does not count.
        sizes: tables of the target, largest first.
        answers: what the target's rows say about the statements; none where there is no target.
        demands: of the target's tables whose rows the plan writes; none where nobody was asked.
        preflight: how the target was at that time; None where there is none.
        workload: queries of the target's applications; None where nobody was asked.
        history: None where the files do not tell their order.
        past: what the target's ledger says of earlier upgrades that tells how long these take, newest first.
    """

    format: int = FORMAT
    environment: str = ""
    heads: tuple[str, ...] = ()
    target: str = "head"
    scratch: str = ""
    server: str = ""
    source: str = ""
    stubs: tuple[str, ...] = ()
    revisions: tuple[RevisionEffects, ...] = ()
    back: tuple[RevisionEffects, ...] = ()
    unrestored: tuple[Change, ...] = ()
    sizes: tuple[Size, ...] = ()
    answers: tuple[Answer, ...] = ()
    demands: tuple[Demand, ...] = ()
    preflight: Preflight | None = None
    workload: Workload | None = None
    history: History | None = None
    past: tuple[Ran, ...] = ()

    def each(self) -> Iterator[tuple[RevisionEffects, Effect]]:
        """Yield every statement with its revision, in the order in which they ran."""
        for revision in self.revisions:
            for effect in revision.effects:
                yield revision, effect

    def size(self, relation: Relation) -> Size | None:
        """Return the target's size of a table, or of an index's table; None for a new one."""
        path = relation.original if not relation.table else relation.table
        return next((size for size in self.sizes if size.path == path), None)


def write_effects(effects: Effects) -> str:
    """Return the JSON form, a line per statement at most."""
    return msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(effects, format=FORMAT)), indent=1).decode() + "\n"


def read_effects(text: str | bytes, where: str = "") -> Effects:
    """
    Read what `write_effects` wrote.

    Args:
        where: for the error.
    Raises:
        UsageError: `snapshot-invalid`, also for a format that is newer than this lockgate.
    """
    try:
        found = msgspec.json.decode(text, type=Effects)
    except msgspec.DecodeError as error:
        raise UsageError("snapshot-invalid", f"these are no effects that can be read: {error}", where, "make the plan again") from error
    if found.format != FORMAT:
        what = f"these effects have format {found.format}, this lockgate reads {FORMAT}"
        raise UsageError("snapshot-invalid", what, where, "make the plan again with this lockgate")
    return found
