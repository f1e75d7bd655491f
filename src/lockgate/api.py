"""The verbs as functions, for programs and tests; a face like the command line, and as thin."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from lockgate import files
from lockgate.events import Event, Notify
from lockgate.runs import adopt as _adopt
from lockgate.runs import downgrade as _downgrade
from lockgate.runs import history as _history
from lockgate.runs import reset as _reset
from lockgate.runs import smoke as _smoke
from lockgate.runs import stamp as _stamp
from lockgate.runs import status as _status
from lockgate.runs import upgrade as _upgrade
from lockgate.runs.operator import operator
from lockgate.settings.project import Project
from lockgate.words import EnvironmentRow, LedgerEntry, Outcome, Request, Verb

_Run = Callable[[Request, Project, Notify], Outcome]


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
    revision: str = "head",
    *,
    database_url: str = "",
    confirm: str | None = None,
    environ: Mapping[str, str] | None = None,
    notify: Notify | None = None,
) -> Outcome:
    """
    Bring an environment to a revision; the same as `lockgate upgrade`.

    Args:
        revision: target in Alembic's notation.
        database_url: another place to knock at; who must answer stays the same.
        confirm: the environment's name, where its protection asks for a confirmation; `CONFIRM_ENV` where it is None.
        environ: variables instead of the process's own.
        notify: called with every `lockgate.words.Event` of the run.
    Raises:
        LockgateError: `code`, `what`, `where`, `hint` and `changed` say what happened.
    """
    return _act(_upgrade.upgrade, _request(Verb.UPGRADE, environment, revision, database_url, confirm, environ), project, notify)


def downgrade(
    project: Project,
    environment: str,
    revision: str,
    *,
    database_url: str = "",
    confirm: str | None = None,
    environ: Mapping[str, str] | None = None,
    notify: Notify | None = None,
) -> Outcome:
    """Go back to a revision; may lose data. Parameters as of `upgrade`."""
    return _act(_downgrade.downgrade, _request(Verb.DOWNGRADE, environment, revision, database_url, confirm, environ), project, notify)


def stamp(
    project: Project,
    environment: str,
    revision: str,
    *,
    database_url: str = "",
    confirm: str | None = None,
    environ: Mapping[str, str] | None = None,
    notify: Notify | None = None,
) -> Outcome:
    """Write the version table without running revisions. Parameters as of `upgrade`."""
    return _act(_stamp.stamp, _request(Verb.STAMP, environment, revision, database_url, confirm, environ), project, notify)


def reset(
    project: Project,
    environment: str,
    *,
    database_url: str = "",
    confirm: str | None = None,
    environ: Mapping[str, str] | None = None,
    notify: Notify | None = None,
) -> Outcome:
    """Drop everything and upgrade again. Parameters as of `upgrade`."""
    return _act(_reset.reset, _request(Verb.RESET, environment, "", database_url, confirm, environ), project, notify)


def adopt(
    project: Project,
    environment: str,
    *,
    copy: bool = False,
    database_url: str = "",
    confirm: str | None = None,
    environ: Mapping[str, str] | None = None,
    notify: Notify | None = None,
) -> Outcome:
    """Write the identity marker into an existing database; `copy` where it was marked as another one. Parameters as of `upgrade`."""
    return _act(_adopt.adopt, _request(Verb.ADOPT, environment, "", database_url, confirm, environ, copy), project, notify)


def smoke(project: Project, environment: str, *, database_url: str = "", environ: Mapping[str, str] | None = None) -> Outcome:
    """Ask the smoke questions; reads only."""
    return _act(_smoke.smoke, _request(Verb.SMOKE, environment, "", database_url, None, environ), project, None)


def status(project: Project, *environments: str, environ: Mapping[str, str] | None = None) -> tuple[EnvironmentRow, ...]:
    """Look at environments, all where none is named; reads only."""
    return _status.status(_request(Verb.STATUS, "", "", "", None, environ), project, environments)


def history(
    project: Project, environment: str, limit: int = 20, *, database_url: str = "", environ: Mapping[str, str] | None = None
) -> tuple[LedgerEntry, ...]:
    """Return the newest rows of the ledger, newest first; reads only."""
    return _history.history(_request(Verb.HISTORY, environment, "", database_url, None, environ), project, limit)


def _request(
    verb: Verb, environment: str, to: str, database_url: str, confirm: str | None, environ: Mapping[str, str] | None, copy: bool = False
) -> Request:
    around = dict(os.environ if environ is None else environ)
    return Request(verb, environment, to, confirm or around.get("CONFIRM_ENV") or None, copy, database_url, around, operator())


def _act(run: _Run, request: Request, project: Project, notify: Notify | None) -> Outcome:
    return run(request, project, notify or _nothing)


def _nothing(event: Event) -> None:
    """Whoever does not ask for events gets none."""
