"""`seed`: keep the rows that the project promises, in the environments that they are promised for."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from lockgate.dialects.base import Dialect
from lockgate.errors import Refused
from lockgate.events import Notify
from lockgate.permit import Permit
from lockgate.registry import ledger
from lockgate.runs.gate import Gate, entered, find
from lockgate.runs.record import record
from lockgate.runs.seed_files import Load, chosen, loads
from lockgate.runs.seed_sql import run_sql
from lockgate.runs.seed_table import Wanted, in_order, load_table, unchanged
from lockgate.runs.target import Target, asked_of, author_of, environment_of
from lockgate.seeds.outcome import SeedDone, SeedOutcome, Watch
from lockgate.settings.project import Project
from lockgate.words import Request, Sight


@dataclass(frozen=True)
class SeedOptions:
    """
    How a call of `seed` goes.

    Args:
        names: of the seeds; empty for all that belong into the environment.
        dry_run: compare and report, write nothing.
        if_changed: trust the file's hash: where it is the one of last time, the table is not looked at.
        samples: rows of each kind to show, for a dry run.
    """

    names: tuple[str, ...] = ()
    dry_run: bool = False
    if_changed: bool = False
    samples: int = 5


def seed(request: Request, project: Project, notify: Notify, options: SeedOptions, watch: Watch) -> SeedOutcome:
    """
    Load seeds into an environment.

    Everything that can be refused is refused before the first row is written: unknown names, seeds of other environments, missing
    files, the guard. Then each file is one transaction with its ledger row, in the order of the foreign keys.

    Args:
        watch: called as files are read.
    Raises:
        LockgateError: `changed` says which seeds were loaded before.
    """
    environment = environment_of(project, request.environment)
    files = loads(project, chosen(project, environment.name, options.names))
    target, seen = find(request, project)
    gate = _gate(request, project, target, notify, files)
    try:
        gate.check(seen)
    except Refused as error:
        record(request, project, target, gate, ledger.Event("refused", error=f"{error.code}: {error.what}"), seen)
        raise
    if not files:
        return SeedOutcome(environment.name, seen.place, dry_run=options.dry_run)
    with entered(gate, target) as permit:
        done = _load_all(permit, target.dialect, files, options, watch)
    return SeedOutcome(environment.name, seen.place, tuple(done), options.dry_run, gate.waited_s)


def _gate(request: Request, project: Project, target: Target, notify: Notify, files: Sequence[Load]) -> Gate:
    deletes = any(load.seed.deletes for load in files)
    asked = replace(asked_of(request, project, target.environment), deletes=deletes)
    return Gate(asked, author_of(request, project.folder), notify, target.where, target.environment.lock_wait)
