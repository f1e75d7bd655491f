"""The verbs as functions, for programs and tests; a face like the command line, and as thin."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack

from lockgate import files
from lockgate.drift.outcome import DriftOutcome
from lockgate.events import Event, Notify
from lockgate.outcome import EnvironmentRow, LedgerEntry, Outcome
from lockgate.runs import acknowledge as _acknowledge
from lockgate.runs import adopt as _adopt
from lockgate.runs import downgrade as _downgrade
from lockgate.runs import drift as _drift
from lockgate.runs import history as _history
from lockgate.runs import reset as _reset
from lockgate.runs import seed as _seed
from lockgate.runs import seed_export as _seed_export
from lockgate.runs import smoke as _smoke
from lockgate.runs import stamp as _stamp
from lockgate.runs import status as _status
from lockgate.runs import upgrade as _upgrade
from lockgate.runs import upgrade_seed as _upgrade_seed
from lockgate.runs import url as _url
from lockgate.runs.operator import operator
from lockgate.seeds.export import ExportOutcome
from lockgate.seeds.outcome import SeedOutcome
from lockgate.settings.project import Project
from lockgate.words import Request, Verb

_Run = Callable[[Request, Project, Notify], Outcome]


class Options(TypedDict, total=False):
    """
    What every verb takes besides its own parameters.

    Args:
        database_url: another place to knock at; who must answer stays the same.
        confirm: the environment's name, where its protection asks for a confirmation; left out, `CONFIRM_ENV` is read.
        environ: variables instead of the process's own.
        notify: called with every `lockgate.events.Event` of the run.
    """

    database_url: str
    confirm: str | None
    environ: Mapping[str, str] | None
    notify: Notify | None


def load_project(path: str | Path = ".") -> Project:
    """
    Read a project's settings.

    Args:
        path: the project's folder, a folder below it, or the settings file.
    Raises:
        SettingsError: all mistakes at once.
    """
    return files.load_project(Path(path))


def upgrade(
    project: Project,
    environment: str,
    revision: str = "",
    *,
    seed: bool = False,
    create_database: bool = False,
    plan: str | Path = "",
    **options: Unpack[Options],
) -> Outcome:
    """
    Bring an environment to a revision; the same as `lockgate upgrade`.

    Args:
        revision: target in Alembic's notation; empty means `head`, or where the plan leads.
        seed: load the environment's seeds afterwards, also where no revision is pending; the outcome is a `SeededUpgrade` then.
        create_database: make the database first, where the server does not have it and the guard allows an empty one.
        plan: file of the approved plan that the upgrade must be; a locked environment demands one.
        options: see `Options`.
    Raises:
        LockgateError: `code`, `what`, `where`, `hint` and `changed` say what happened.
    """
    request = replace(request_of(Verb.UPGRADE, environment, options, revision), create=create_database, plan=str(plan))
    if not seed:
        return _act(_upgrade.upgrade, project, request, options)
    return _upgrade_seed.upgrade_and_seed(request, project, options.get("notify") or quiet, lambda loading: None)


def downgrade(project: Project, environment: str, revision: str, **options: Unpack[Options]) -> Outcome:
    """Go back to a revision; may lose data, so it is always confirmed. Parameters and errors as of `upgrade`."""
    return _act(_downgrade.downgrade, project, request_of(Verb.DOWNGRADE, environment, options, revision), options)


def stamp(project: Project, environment: str, revision: str, **options: Unpack[Options]) -> Outcome:
    """Write the version table without running revisions. Parameters and errors as of `upgrade`."""
    return _act(_stamp.stamp, project, request_of(Verb.STAMP, environment, options, revision), options)


def acknowledge(project: Project, environment: str, *revisions: str, **options: Unpack[Options]) -> Outcome:
    """Accept that the files of applied revisions were edited since. Parameters and errors as of `upgrade`."""
    return _act(_acknowledge.acknowledge, project, request_of(Verb.ACKNOWLEDGE, environment, options, " ".join(revisions)), options)


def reset(project: Project, environment: str, **options: Unpack[Options]) -> Outcome:
    """Drop everything and upgrade again. Parameters and errors as of `upgrade`."""
    return _act(_reset.reset, project, request_of(Verb.RESET, environment, options), options)


def adopt(project: Project, environment: str, *, copy: bool = False, **options: Unpack[Options]) -> Outcome:
    """Write the identity marker into an existing database; `copy` where it was marked as another one. Otherwise as `upgrade`."""
    return _act(_adopt.adopt, project, replace(request_of(Verb.ADOPT, environment, options), copy=copy), options)


def smoke(project: Project, environment: str, **options: Unpack[Options]) -> Outcome:
    """Ask the smoke questions; reads only. Parameters and errors as of `upgrade`."""
    return _act(_smoke.smoke, project, request_of(Verb.SMOKE, environment, options), options)


def seed(
    project: Project,
    environment: str,
    *names: str,
    dry_run: bool = False,
    if_changed: bool = False,
    file: str | Path | None = None,
    **options: Unpack[Options],
) -> SeedOutcome:
    """
    Load seeds, all that belong into the environment where none is named.

    Args:
        dry_run: compare and report, write nothing.
        if_changed: trust the file's hash: where it is the one of last time, the table is not looked at.
        file: loaded in place of the one that the settings name for the seed, of which exactly one is named then; a relative path
            starts at the working directory.
    Raises:
        LockgateError: as `upgrade`.
    """
    request = request_of(Verb.SEED, environment, options)
    how = _seed.SeedOptions(names, dry_run, if_changed, file=None if file is None else Path(file))
    return _seed.seed(request, project, options.get("notify") or quiet, how, lambda loading: None)


def find_drift(
    project: Project, environment: str, *, against: str = _drift.REVISIONS_WORD, save: str = "", **options: Unpack[Options]
) -> DriftOutcome:
    """
    Say how an environment differs from what its revisions make; the same as `lockgate drift`, reads only.

    Args:
        against: `revisions`, `models`, or the file of a snapshot.
        save: write the environment's schema to this file instead of comparing it.
    Returns:
        The differences; `code` is `drift` where there are some.
    Raises:
        LockgateError: `no-comparison` where it cannot be told; otherwise as `upgrade`.
    """
    request = request_of(Verb.DRIFT, environment, options)
    return _drift.drift(request, project, options.get("notify") or quiet, against, save)


def seed_export(
    project: Project,
    environment: str,
    *tables: str,
    out: str | Path,
    format: str = "csv",
    columns: Sequence[str] = (),
    sensitive: Sequence[str] = (),
    gzip: bool = False,
    overwrite: bool = False,
    **options: Unpack[Options],
) -> ExportOutcome:
    """
    Write tables into files that are ready to be seeds, all of one moment; the database is only read.

    Args:
        tables: `table`, `schema.table`, parts quoted where they need it.
        out: folder of the files; made where it is not there.
        format: `csv` or `jsonl`.
        columns: of the one table; left out, all that are not generated.
        sensitive: columns that may be written although a seed says that they are sensitive.
        gzip: pack the files.
        overwrite: replace files that are there.
    Raises:
        LockgateError: as `upgrade`; no file is written then.
    """
    request = request_of(Verb.SEED_EXPORT, environment, options)
    how = _seed_export.ExportOptions(tables, Path(out), format, tuple(columns), tuple(sensitive), gzip, overwrite)
    return _seed_export.seed_export(request, project, how, lambda loading: None)


def status(
    project: Project, *environments: str, database_url: str = "", environ: Mapping[str, str] | None = None
) -> tuple[EnvironmentRow, ...]:
    """
    Look at environments, all where none is named; reads only.

    Args:
        database_url: another place to knock at, for exactly one environment.
    Raises:
        UsageError: an unknown name, or a `database_url` for more than one.
    """
    request = request_of(Verb.STATUS, "", {"environ": environ, "database_url": database_url})
    return _status.status(request, project, environments)


def url(project: Project, environment: str, **options: Unpack[Options]) -> str:
    """
    Fetch the connection URL of an environment, now: for an application that is to use the same database as its migrations.

    It holds the password, and comes as the project's own driver reads it. Nothing is contacted but its source; an embedded server
    is started by this, and runs until this process ends.

    Raises:
        UsageError, Unreachable: as the URL source says.
    """
    return _url.connection_url(request_of(Verb.URL, environment, options), project).reveal()


def history(project: Project, environment: str, limit: int = 20, **options: Unpack[Options]) -> tuple[LedgerEntry, ...]:
    """Return the newest `limit` rows of the ledger, newest first; reads only."""
    return _history.history(request_of(Verb.HISTORY, environment, options), project, limit)


def request_of(verb: Verb, environment: str, options: Options, to: str = "") -> Request:
    """Make the request of a verb from what its caller gave."""
    given = options.get("environ")
    environ = dict(os.environ if given is None else given)
    confirm = options.get("confirm") or environ.get("CONFIRM_ENV") or None
    return Request(verb, environment, to, confirm, database_url=options.get("database_url", ""), environ=environ, operator=operator())


def _act(run: _Run, project: Project, request: Request, options: Options) -> Outcome:
    return run(request, project, options.get("notify") or quiet)


def quiet(event: Event) -> None:
    """Whoever does not ask for events gets none."""
