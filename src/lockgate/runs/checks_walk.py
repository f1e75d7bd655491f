"""A scratch database that is walked along the history, one revision after the other: what the ready-made tests of revisions stand on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lockgate.drift.compare import Difference, compare
from lockgate.drift.ignore import without_ignored
from lockgate.drift.made_up import losses
from lockgate.drift.phrases import Origin
from lockgate.drift.snapshot import Snapshot
from lockgate.errors import LockgateError
from lockgate.graph import Graph, Revision
from lockgate.outcome import Fault
from lockgate.runs.checks_history import fault_of, place_of, walked
from lockgate.runs.checks_rows import counts, fill, seed_what_fits
from lockgate.runs.scratch_database import ScratchDatabase
from lockgate.runs.test_databases import Lease, TestDatabases

_BEFORE = Origin("schema before it", "before the revision it was", "before the revision it had")
_AFTER = Origin("schema after its first upgrade", "the first upgrade made it", "the first upgrade gave it")


class Walk:
    """
    One database on its way from empty to the heads; tests ask for its revisions in any order.

    It only goes forward, so that all of them together cost one way. After a fault, or for a revision behind it, another database
    begins.
    """

    def __init__(self, databases: TestDatabases, graph: Graph) -> None:
        self._databases = databases
        self._graph = graph
        self._project = databases.project
        self._order = walked(self._project, graph)
        self._lease: Lease | None = None
        self._seeded: set[str] = set()

    def stairway(self, id_: str) -> Fault | None:
        """Upgrade, downgrade and upgrade again; the schema must be what it was each time."""
        return self._stepping(id_, self._stairs)

    def keeps_rows(self, id_: str) -> Fault | None:
        """Upgrade a database whose tables have rows; they must be there afterwards."""
        return self._stepping(id_, self._with_rows)

    def _stepping(self, id_: str, step: Callable[[Lease, ScratchDatabase, Revision], Fault | None]) -> Fault | None:
        """Come to where everything before the revision is applied, and take the step; a database with a fault is not used again."""
        try:
            lease, scratch = self._arrive(id_)
        except LockgateError as error:
            self._forget()
            return Fault(f"an earlier revision is in the way: {error.what}", error.where, (), error.hint, error.code)
        found = step(lease, scratch, self._graph.revisions[id_])
        if found:
            self._forget()
        return found

    def _arrive(self, id_: str) -> tuple[Lease, ScratchDatabase]:
        before = self._order[: self._order.index(id_)]
        bootstrap = self._project.bootstrap
        wanted = self._graph.applied([*before, *([bootstrap.stamp] if bootstrap else [])])
        if self._lease is not None:
            applied = self._graph.applied(self._databases.scratch(self._lease).look().heads)
            if not applied <= wanted:
                self._forget()
        if self._lease is None:
            self._lease = self._databases.make()
        scratch = self._databases.scratch(self._lease)
        if bootstrap and not scratch.look().heads:
            scratch.upgrade(bootstrap.stamp)
        applied = self._graph.applied(scratch.look().heads)
        for target in before:
            followed = any(target in self._graph.revisions[other].parents for other in before)
            if target not in applied and not followed:
                scratch.upgrade(target)
        return self._lease, scratch

    def _forget(self) -> None:
        if self._lease is not None:
            self._databases.drop(self._lease)
        self._lease = None
        self._seeded.clear()

    def _stairs(self, lease: Lease, scratch: ScratchDatabase, revision: Revision) -> Fault | None:
        before = scratch.snapshot()
        if failed := _tried(lambda: scratch.upgrade(revision.id), revision, "upgrade", "does not upgrade"):
            return failed
        after = scratch.snapshot()
        if revision.id in self._project.tests.irreversible:
            with self._databases.copied(lease) as copy:
                if self._down(copy, revision, before):
                    return None
            return self._unneeded("irreversible", revision, "downgrade", "its downgrade restores the schema before it")
        if failed := self._down(scratch, revision, before):
            return failed
        if failed := _tried(lambda: scratch.upgrade(revision.id), revision, "upgrade", "does not upgrade again after its downgrade"):
            return failed
        what = f"revision `{revision.id}` makes another schema when it is upgraded again"
        return self._compared(
            scratch.snapshot(), after, _AFTER, what, place_of(revision, "upgrade"), "let upgrade() and downgrade() do the same objects"
        )

    def _down(self, scratch: ScratchDatabase, revision: Revision, before: Snapshot) -> Fault | None:
        hint = f'if it cannot be undone, name it in the settings: [tests] irreversible = ["{revision.id}"]'
        if failed := _tried(lambda: scratch.downgrade(_behind(revision)), revision, "downgrade", "does not downgrade", hint):
            return failed
        what = f"the downgrade of revision `{revision.id}` does not restore the schema before it"
        hint = f"let downgrade() undo all that upgrade() does; {hint}"
        return self._compared(scratch.snapshot(), before, _BEFORE, what, place_of(revision, "downgrade"), hint)

    def _with_rows(self, lease: Lease, scratch: ScratchDatabase, revision: Revision) -> Fault | None:
        had = scratch.snapshot()
        seed_what_fits(scratch, had, self._seeded)
        empty = fill(scratch, had)
        before = counts(scratch, had)
        loses = revision.id in self._project.tests.loses_rows
        hint = f'if it is meant to, name it in the settings: [tests] loses_rows = ["{revision.id}"]'
        failed = _tried(lambda: scratch.upgrade(revision.id), revision, "upgrade", "does not upgrade a database with rows", hint)
        if failed and loses:
            self._forget()  # those behind it begin with an empty database
            return None
        if failed:
            return failed
        lost = losses(before, counts(scratch, scratch.snapshot()))
        if loses:
            return None if lost else self._unneeded("loses_rows", revision, "upgrade", "it keeps all rows")
        if not lost:
            return None
        details = (*lost, *((f"no row could be made up for {', '.join(empty)}",) if empty else ()))
        what = f"revision `{revision.id}` loses rows"
        return Fault(what, place_of(revision, "upgrade"), details, f"move the rows before what held them is dropped; {hint}")

    def _unneeded(self, key: str, revision: Revision, function: str, reason: str) -> Fault:
        what = f"the exception for revision `{revision.id}` is not needed any more: {reason}"
        return Fault(
            what, place_of(revision, function), (), f"take `{revision.id}` out of `{key}` in [tests] of {self._project.settings_file}"
        )

    def _compared(self, found: Snapshot, expected: Snapshot, origin: Origin, what: str, where: str, hint: str) -> Fault | None:
        differences = without_ignored(compare(found, expected, origin), self._project.drift.ignore)
        return Fault(what, where, lines_of(differences), hint) if differences else None


def _tried(act: Callable[[], object], revision: Revision, function: str, what: str, hint: str = "") -> Fault | None:
    try:
        act()
    except LockgateError as error:
        ours = fault_of(error)
        details = (ours.what, *((f"where: {ours.where}",) if ours.where else ()))
        return Fault(f"revision `{revision.id}` {what}", place_of(revision, function), details, hint or ours.hint, ours.code)
    return None


def _behind(revision: Revision) -> str:
    """Alembic's word for the state before a revision; its own line alone goes back."""
    return f"{revision.id}@{revision.down_revisions[0]}" if revision.down_revisions else f"{revision.id}@base"


def lines_of(differences: Sequence[Difference]) -> tuple[str, ...]:
    """Return a sentence per difference, each followed by the statements that would end it."""
    lines = []
    for difference in differences:
        lines.append(difference.sentence)
        lines += ["    " + statement.strip().rstrip(";").replace("\n", "\n    ") + ";" for statement in difference.mend]
    return tuple(lines)
