"""A plan laid out for its judges: each statement with its transaction, the locks held by then and the work still to come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from lockgate.hazards.answers import ESTIMATED, Answer
from lockgate.hazards.blocking import blocks, is_strong, spelled, strongest
from lockgate.hazards.effects import Effect, Effects, RevisionEffects
from lockgate.hazards.estimate import FEW, Yardstick, relations, rows_of, total, writes_rows
from lockgate.hazards.findings import Estimate, Finding, Limits, Severity
from lockgate.hazards.past import Work, sum_of
from lockgate.hazards.seen import FILE, Build, Change, Lock, Relation
from lockgate.hazards.waiting import Queue, Wait

_TABLES = ("table", "partitioned table", "materialized view", "foreign table", FILE)


@dataclass(frozen=True)
class Statement:
    """
    One statement of a revision that is going to run.

    Args:
        place: counted from 1 through the plan.
        held: modes per relation (by `key()`) in its transaction, this statement's own included.
        wait: for its locks, behind transactions of the target; None where nobody was in its way.
    """

    plan: Plan = field(repr=False)
    revision: RevisionEffects = field(repr=False)
    effect: Effect
    place: int
    held: dict[str, tuple[str, ...]]
    wait: Wait | None = None

    @cached_property
    def work(self) -> Estimate | None:
        """Seconds of its own work on tables of the target."""
        return self.plan.yardstick.time(self.load, self.revision.id)

    @property
    def load(self) -> Work | None:
        """What it has to do on tables of the target."""
        written = sum(answer.count for answer in self.estimated if answer.count >= FEW)
        return sum_of((self.plan.yardstick.work(self.effect), Work(written_rows=written)))

    @property
    def takes(self) -> Estimate | None:
        """Seconds of its work, behind the wait for its locks."""
        return total((self.work, self.wait.estimate)) if self.wait else self.work

    @property
    def blocked(self) -> Estimate | None:
        """Seconds for which others wait for it: they do so from its request for the lock on, where writers wait for that."""
        return self.takes if self.strong_locks else self.work

    @property
    def estimated(self) -> tuple[Answer, ...]:
        """How many rows the target's planner thinks it writes, of tables that it does not read from end to end for that."""
        mass = {table.original for table in self.mass_written}
        return tuple(answer for answer in self.answers if answer.kind in ESTIMATED and answer.table not in mass)

    @property
    def is_work(self) -> bool:
        """Whether it does what takes longer on a larger table."""
        return self.work is None or self.work.high_s > 0

    def later_under(self, relation: Relation) -> tuple[Statement, ...]:
        """Return the statements behind it that run before its transaction lets go of a relation: at COMMIT, or back at a savepoint."""
        later = (other for other in self.plan.transaction(self) if other.place > self.place)
        held = [other for other in later if any(is_strong(mode) for mode in other.held.get(key(relation), ()))]
        return tuple(other for number, other in enumerate(held, 1) if other.place == self.place + number)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """What the target's rows say about it."""
        here = self.revision.id, self.effect.number
        return tuple(answer for answer in self.plan.effects.answers if (answer.revision, answer.number) == here)

    def is_live(self, relation: Relation) -> bool:
        """Whether a table is there already, so that somebody may be using it."""
        return relation.kind in _TABLES and not self.plan.yardstick.is_new(relation)

    @property
    def strong_locks(self) -> tuple[Lock, ...]:
        """Its own locks on live tables for which writers wait, strongest first."""
        return tuple(lock for lock in self.effect.locks if is_strong(lock.strongest) and self.is_live(lock.relation))

    @property
    def blocked_scans(self) -> tuple[Relation, ...]:
        """Live tables that it reads from end to end, but not to find rows to change, while writers wait and the file stays."""
        if writes_rows(self.effect) or self.effect.command == "SELECT":
            return ()
        rewritten = {key(rewrite.relation) for rewrite in self.effect.rewrites}
        found = (scan.relation for scan in self.effect.scans if key(scan.relation) not in rewritten)
        return tuple(relation for relation in found if self.is_live(relation) and is_strong(self.mode(relation) or "AccessShareLock"))

    @property
    def mass_written(self) -> tuple[Relation, ...]:
        """Live tables whose rows it changes after it has read all of them."""
        scans = (scan.relation for scan in self.effect.scans) if writes_rows(self.effect) else ()
        return tuple(table for table in scans if self.is_live(table) and "RowExclusiveLock" in self.held.get(key(table), ()))

    @property
    def live_changes(self) -> tuple[Change, ...]:
        """Its changes to what was there when the plan began, or to tables that were."""
        return tuple(change for change in self.effect.changes if not change.new and change.original)

    def mode(self, relation: Relation) -> str:
        """Return the strongest mode that its transaction holds on a relation by now; empty for none."""
        return strongest(self.held.get(key(relation), ()))

    def strong_lock_on(self, path: str) -> Lock | None:
        """Return its own lock on a live table, by the name that the table has or had, for which writers wait."""
        return next((lock for lock in self.strong_locks if path in (lock.relation.path, lock.relation.original)), None)

    @property
    def blocked_builds(self) -> tuple[Build, ...]:
        """Indexes of live tables that it builds while writers wait."""
        return tuple(build for build in self.effect.builds if not build.concurrently and not self.plan.yardstick.is_new(build.relation))

    @property
    def scan_cause(self) -> str:
        """Return why it reads a live table while writers wait: `reindex`, `build`, `type`, `validate` or `check`; empty where it does not."""
        if self.effect.command.startswith("REFRESH") or not (self.blocked_scans or self.blocked_builds):
            return ""
        if self.effect.command == "REINDEX":
            return "reindex"
        if any(change.kind == "column" and change.how == "altered" and "type" in change.after for change in self.effect.changes):
            return "type"
        if self.blocked_builds:
            return "build"
        validated = (one for one in self.effect.changes if one.kind == "constraint" and one.how == "altered")
        return "validate" if any(one.after.get("valid") is True for one in validated) else "check"

    def finding(
        self,
        rule: Rule,
        severity: Severity,
        relation: Relation | None = None,
        *,
        what: str,
        safer: str = "",
        mode: str = "",
        estimate: Estimate | None = None,
        name: str = "",
        fails: bool = False,
    ) -> Finding:
        """
        Return a finding at this statement.

        Args:
            relation: the table concerned; its lock and size are looked up.
            mode: of the lock, where it is not the one held on `relation`.
            name: of what is concerned, where it is no relation.
            fails: see `Finding`.
        """
        mode = mode or (self.mode(relation) if relation else "")
        size = self.plan.yardstick.size(relation) if relation else None
        return Finding(
            id=rule.id,
            name=rule.name,
            severity=severity,
            title=rule.title,
            revision=self.revision.id,
            file=self.revision.file,
            line=self.effect.line,
            statement=self.effect.text,
            relation=name or (relation.path if relation else ""),
            lock=spelled(mode),
            blocks=blocks(mode) if mode else (),
            bytes=size.heap_bytes + size.index_bytes if size else -1,
            rows=rows_of(size) if size else -1,
            estimate=estimate,
            what=what,
            safer=safer,
            fails=fails,
        )

    def timed(self, rule: Rule, relation: Relation, *, what: str, safer: str = "", estimate: Estimate | None) -> Finding:
        """Return a finding whose severity follows from the seconds."""
        return self.finding(rule, self.plan.severity(estimate), relation, what=what, safer=safer, estimate=estimate)


@dataclass(frozen=True)
class Rule:
    """
    One hazard.

    Args:
        title: one line that says what happens, without a name in it.
        find: looks through a plan.
        asked: a matter of taste, told to whoever asks for it.
    """

    id: str
    name: str
    title: str
    find: Callable[[Plan], Iterator[Finding]]
    asked: bool = False


@dataclass(frozen=True)
class Plan:
    """What rules are given: effects, how long a table may be blocked, and all that follows from them."""

    effects: Effects
    limits: Limits = field(default_factory=Limits)

    @cached_property
    def yardstick(self) -> Yardstick:
        """Knows sizes, and what is new."""
        return Yardstick(self.effects)

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The revisions' statements in order."""
        found: list[Statement] = []
        held: dict[int, dict[str, tuple[str, ...]]] = {}
        queue = Queue(self.effects.preflight, self.limits, self.yardstick.is_new)
        for revision in self.effects.revisions:
            for effect in revision.effects:
                modes = held.setdefault(effect.transaction, {})
                for lock in effect.released:
                    modes[key(lock.relation)] = tuple(mode for mode in modes.get(key(lock.relation), ()) if mode not in lock.modes)
                for lock in effect.locks:
                    modes[key(lock.relation)] = (*modes.get(key(lock.relation), ()), *lock.modes)
                found.append(Statement(self, revision, effect, len(found) + 1, dict(modes), queue.wait(revision, effect)))
        return tuple(found)

    @cached_property
    def transactions(self) -> tuple[tuple[Statement, ...], ...]:
        """The statements by transaction, in order."""
        found: dict[int, list[Statement]] = {}
        for statement in self.statements:
            found.setdefault(statement.effect.transaction, []).append(statement)
        return tuple(tuple(shared) for shared in found.values())

    @cached_property
    def _by_number(self) -> dict[int, tuple[Statement, ...]]:
        return {shared[0].effect.transaction: shared for shared in self.transactions}

    def transaction(self, statement: Statement) -> tuple[Statement, ...]:
        """Return the statements that share a transaction with one, itself included."""
        return self._by_number[statement.effect.transaction]

    @cached_property
    def _tables(self) -> dict[str, Relation]:
        met = [relation for statement in self.statements for relation in relations(statement.effect) if relation.kind in _TABLES]
        return {relation.path: relation for relation in met} | {relation.original: relation for relation in met if relation.original}

    def table(self, path: str) -> Relation | None:
        """Return a table that the plan met, by a name that it has or had, or one of the target's."""
        return self._tables.get(path) or self._sized.get(path)

    @cached_property
    def _sized(self) -> dict[str, Relation]:
        """What is not locked by itself is met nowhere, and is there for all that."""
        named = ((size.path, size.path.rpartition(".")) for size in self.effects.sizes)
        return {path: Relation(schema=schema, name=name, kind="table", original=path) for path, (schema, _, name) in named}

    @cached_property
    def is_file(self) -> bool:
        """Whether the target is a SQLite file, whose columns change in batch mode only."""
        return any(lock.relation.kind == FILE for statement in self.statements for lock in statement.effect.locks)

    def severity(self, estimate: Estimate | None) -> Severity:
        """Return how bad it is that a table is blocked for so long; unknown is a warning."""
        if estimate is None:
            return Severity.WARNING
        if estimate.high_s >= self.limits.error_s:
            return Severity.ERROR
        return Severity.WARNING if estimate.high_s >= self.limits.warning_s else Severity.NOTE

    def about(
        self, rule: Rule, revision: RevisionEffects, severity: Severity, what: str, safer: str = "", line: int = 0, *, fails: bool = False
    ) -> Finding:
        """Return a finding about a revision as a whole."""
        return Finding(
            id=rule.id,
            name=rule.name,
            severity=severity,
            title=rule.title,
            revision=revision.id,
            file=revision.file,
            line=line,
            what=what,
            safer=safer,
            fails=fails,
        )


def key(relation: Relation) -> str:
    """Return what a relation is known by through a plan that may rename it."""
    return relation.original or relation.path
