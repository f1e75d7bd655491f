"""`seed`: keep the rows that the project promises, in the environments that they are promised for."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from lockgate.dialects.base import Dialect
from lockgate.errors import NOTHING, LockgateError, Refused
from lockgate.events import Notify
from lockgate.permit import Permit
from lockgate.registry import ledger
from lockgate.runs.gate import Gate, entered, find
from lockgate.runs.record import record
from lockgate.runs.seed_files import Load, chosen, load_instead, loads
from lockgate.runs.seed_past import Past, past_of, policy_of, same_promise
from lockgate.runs.seed_sql import Script, fingerprints, promised, read_scripts, run_script
from lockgate.runs.seed_table import load_table
from lockgate.runs.seed_wanted import Wanted, in_order, refuse_ambiguous, table_print, wanted
from lockgate.runs.target import Target, asked_of, author_of, environment_of
from lockgate.seeds.outcome import SeedDone, SeedOutcome, Watch
from lockgate.seeds.rows import Counts
from lockgate.settings.project import Project
from lockgate.words import Request, VersionTable

LOADED, NOTHING_TO_DO, TRUSTED, WOULD_LOAD = "loaded", "nothing to do", "trusted", "would load"


@dataclass(frozen=True)
class SeedOptions:
    """
    How a call of `seed` goes.

    Args:
        names: of the seeds; empty for all that belong into the environment.
        dry_run: compare and report, write nothing.
        if_changed: trust the file's hash: where it is the one of last time, the table is not looked at.
        samples: rows of each kind to show, for a dry run.
        file: loaded in place of the one that the settings name; for exactly one named seed.
        again: look at every row and run every script, whatever the ledger remembers.
    """

    names: tuple[str, ...] = ()
    dry_run: bool = False
    if_changed: bool = False
    samples: int = 5
    file: Path | None = None
    again: bool = False


def seed(request: Request, project: Project, notify: Notify, options: SeedOptions, watch: Watch) -> SeedOutcome:
    """
    Load seeds into an environment.

    Everything that can be refused is refused before the first row is written: unknown names, seeds of other environments, missing
    files, the guard, headers, keys, forbidden statements. Then each file is one transaction with its ledger row, in the order of
    the foreign keys.

    Args:
        watch: called as files are read.
    Raises:
        LockgateError: `changed` says which seeds were loaded before.
    """
    environment = environment_of(project, request.environment)
    seeds = chosen(project, environment.name, options.names)
    files = loads(project, seeds) if options.file is None else (load_instead(seeds, options.names, options.file),)
    target, seen = find(request, project)
    gate = _gate(request, project, target, notify, files, options.dry_run)
    try:
        gate.check(seen)
    except Refused as error:
        if not (request.asks and error.code == "unconfirmed"):
            record(request, project, target, gate, ledger.Event("refused", error=f"{error.code}: {error.what}"), seen)
        raise
    if not files:
        return SeedOutcome(environment.name, seen.place, dry_run=options.dry_run)
    with entered(gate, target) as permit:
        done = _Loader(permit, target.dialect, options, watch, target.environment.lock_wait).load(files)
    return SeedOutcome(environment.name, seen.place, tuple(done), options.dry_run, gate.waited_s)


def _gate(request: Request, project: Project, target: Target, notify: Notify, files: Sequence[Load], dry_run: bool) -> Gate:
    # Whoever is to confirm a deletion wants to see it first. A destructive script runs in a dry run, too, and takes its locks.
    deletes = any(load.seed.destructive or (load.seed.deletes and not dry_run) for load in files)
    asked = replace(asked_of(request, project, target.environment), deletes=deletes)
    return Gate(asked, partial(author_of, request, project.folder), notify, target.where, target.environment.lock_wait)


class _Loader:
    """One call's way through its files, on one permit."""

    def __init__(self, permit: Permit, dialect: Dialect, options: SeedOptions, watch: Watch, lock_wait: float) -> None:
        self._lock_wait = lock_wait  # seconds for a table that somebody else holds
        self._permit = permit
        self._dialect = dialect
        self._options = options
        self._watch = watch
        self._done: list[SeedDone] = []
        self._began = 0.0

    def load(self, files: Sequence[Load]) -> list[SeedDone]:
        """Prepare every file, then load one after the other."""
        table = self._permit.sight.version_table or VersionTable()
        tables = [wanted(self._permit.session, self._dialect, load) for load in files if load.format != "sql"]
        scripts = read_scripts(self._dialect, files, table.name)
        for load, name in ((script.load, name) for script in scripts for item in script.statements for name in item.writes):
            refuse_ambiguous(self._permit.session, self._dialect, load, name)
        self._permit.session.rollback()
        order = [seed.name for seed in in_order(tables, [script.load for script in scripts])]
        jobs: list[Wanted | Script] = [*tables, *scripts]
        for job in sorted(jobs, key=lambda job: order.index(job.load.seed.name)):
            self._one(job)
        return self._done

    def _one(self, job: Wanted | Script) -> None:
        try:
            self._began = time.monotonic()
            self._dialect.bound_waiting(self._permit.session, self._lock_wait)
            done = self._table(job) if isinstance(job, Wanted) else self._script(job)
            self._done.append(replace(done, duration_ms=self._took_ms()))
        except LockgateError as error:
            self._permit.session.rollback()
            loaded = ", ".join(f"`{item.name}`" for item in self._done if item.how == LOADED)
            error.changed = f"loaded {loaded}" if loaded and error.changed == NOTHING else error.changed
            self._note(job.load, ledger.Event("failed", _label(job.load), error=f"{error.code}: {error.what}"))
            raise

    def _table(self, item: Wanted) -> SeedDone:
        load, session = item.load, self._permit.session
        table, digest = str(item.shape.table), load.file.digest()
        past = past_of(session, self._dialect, load)
        same = same_promise(past, load, digest) and not self._options.again
        if self._options.if_changed and same and not past.doubted:
            session.rollback()
            return SeedDone(load.seed.name, load.file.name, table, TRUSTED)
        if same and past.tables == table_print(session, self._dialect, item):
            session.rollback()
            return SeedDone(load.seed.name, load.file.name, table, NOTHING_TO_DO, past.counts)
        loaded = load_table(self._permit, self._dialect, item, self._options.dry_run, self._options.samples, self._watch)
        if self._options.dry_run:
            session.rollback()
            return SeedDone(load.seed.name, load.file.name, table, WOULD_LOAD, loaded.counts, loaded.deleted, samples=loaded.samples)
        self._dialect.rows().move_sequences(self._permit, item.shape, item.columns)
        here = Past(digest, table_print(session, self._dialect, item), Counts(equal=loaded.counts.file_rows), policy_of(load.seed))
        self._keep(load, here, {**asdict(loaded.counts), "deleted": loaded.deleted})
        how = LOADED if loaded.counts.new or loaded.counts.changed or loaded.deleted else NOTHING_TO_DO
        return SeedDone(load.seed.name, load.file.name, table, how, loaded.counts, loaded.deleted)

    def _script(self, script: Script) -> SeedDone:
        load, session = script.load, self._permit.session
        digest, past = load.file.digest(), past_of(session, self._dialect, load)
        names, same = ", ".join(past.tables), same_promise(past, load, digest) and not self._options.again
        trusted = same and self._options.if_changed and not past.doubted
        if trusted or (same and past.tables == fingerprints(session, self._dialect, past.names)):
            session.rollback()
            return SeedDone(load.seed.name, load.file.name, names, TRUSTED if trusted else NOTHING_TO_DO)
        session.rollback()
        self._dialect.bound_waiting(session, self._lock_wait)
        before = promised(session, self._dialect, script)
        prints = run_script(self._permit, self._dialect, script)
        if self._options.dry_run:
            session.rollback()
            return SeedDone(load.seed.name, load.file.name, ", ".join(prints), WOULD_LOAD)
        self._keep(load, Past(digest, prints), {})
        return SeedDone(load.seed.name, load.file.name, ", ".join(prints), LOADED if prints != before else NOTHING_TO_DO)

    def _keep(self, load: Load, past: Past, numbers: dict[str, int]) -> None:
        """Write the ledger row into the seed's own transaction and commit both."""
        details = json.dumps({**past.document(load.file.name), **numbers})
        event = ledger.Event("seeded", _label(load), duration_ms=self._took_ms(), details=details)
        ledger.append(self._permit, self._dialect.features.registry_prefix, event, self._dialect.ledger_guard())
        self._permit.session.commit()

    def _took_ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)

    def _note(self, load: Load, event: ledger.Event) -> None:
        if self._options.dry_run:
            return
        ledger.append(self._permit, self._dialect.features.registry_prefix, event)
        self._permit.session.commit()


def _label(load: Load) -> str:
    return f"seed {load.seed.name}"
