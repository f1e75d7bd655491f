"""Plain `alembic` inside a lockgate project, and near a marked database outside of one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from lockgate.alembic_seam import plain
from lockgate.alembic_seam.crew import Limits
from lockgate.dialects.base import Dialect
from lockgate.errors import Refused
from lockgate.events import Blocked, Event, Notice, Retrying, Waiting
from lockgate.files import graph_of, load_project
from lockgate.graph import edited
from lockgate.guard import Asked
from lockgate.permit import Session
from lockgate.registry import chain, ledger, marker
from lockgate.runs.edited import check_edited
from lockgate.runs.gate import Gate, one_run_per_process
from lockgate.runs.passage import Passage
from lockgate.runs.sight import see
from lockgate.runs.target import asked_of, author_of, environment_of
from lockgate.settings.project import Environment, Project
from lockgate.words import SCRATCH, Protection, Request, Verb, VersionTable

# Below "alembic": env.py's fileConfig disables every logger that the ini file does not name.
_log = logging.getLogger("alembic.lockgate")


def guard(env: plain.AlembicContext, settings: Path, environ: Mapping[str, str], operator: str) -> None:
    """
    Put the gate in front of an Alembic command that is about to run env.py.

    Args:
        env: not entered yet.
        settings: the project's settings file.
    Raises:
        LockgateError: also an Alembic CommandError; nothing changed.
    """
    with plain.as_command_error():
        project = load_project(settings)
        name = environ.get(project.variable.name) or project.default_environment
        request = Request(Verb(plain.supposed_verb(env)), name, confirm=environ.get("CONFIRM_ENV"), environ=environ, operator=operator)
        if plain.only_reads(env):
            plain.Reader(env, _passage(request, project))
        else:
            _guard_writes(env, request, project)


def guard_without_project(env: plain.AlembicContext) -> None:
    """Refuse writes to a marked database from a place without settings; everything else stays as Alembic does it."""
    plain.watch_markers(env, _refuse_marked)


def _guard_writes(env: plain.AlembicContext, request: Request, project: Project) -> None:
    with ExitStack() as stack:
        stack.enter_context(one_run_per_process())
        direction = plain.survey(env, _Surveyor(request, project))
        if not direction:  # nothing to do, and no verb: going down on an empty database must not mark it
            plain.Reader(env, _passage(request, project))
            return
        plain.stand_guard(env, _passage(replace(request, verb=Verb(direction)), project), stack)


def _passage(request: Request, project: Project) -> Passage:
    environment = environment_of(project, request.environment) if request.environment else None
    return _Recorder(_gate(request, project, environment), environment, project)


def _gate(request: Request, project: Project, environment: Environment | None) -> Gate:
    author = partial(author_of, request, project.folder)
    if environment is None:
        asked = Asked(request.verb, "", project.name, Protection.LOCKED, project.variable.name)
        return Gate(asked, author, _say, project.settings_file, 0.0)
    where = f"environment `{environment.name}` ({environment.where}), plain alembic"
    return Gate(asked_of(request, project, environment), author, _say, where, environment.lock_wait)


def _limits(environment: Environment | None) -> Limits:
    if environment is None:
        return Limits()
    return Limits(environment.lock_timeout, environment.lock_wait, environment.statement_timeout)


class _Recorder(Passage):
    """Writes a refusal into the ledger over env.py's own connection: lockgate has no URL of its own here."""

    def __init__(self, gate: Gate, environment: Environment | None, project: Project) -> None:
        super().__init__(gate, _say, _limits(environment), project.folder)
        self._environment = environment
        self._project = project

    def judge(self, session: Session, dialect: Dialect, version_table: VersionTable) -> None:
        """See `Crew`."""
        try:
            super().judge(session, dialect, version_table)
            self._check_edited(session, dialect, version_table)
        except Refused as error:
            gate = self._gate
            clerk = Gate(replace(gate.asked, verb=Verb.RECORD), lambda: gate.author, _say, gate.where, 0.0, verb=gate.verb)
            # On any other database than the one asked for the clerk is refused too; what cannot be written hides nothing.
            with suppress(Exception):
                session.rollback()
                permit = clerk.enter(session, dialect, version_table, lock=False)
                ledger.append(permit, dialect.features.registry_prefix, ledger.Event("refused", error=f"{error.code}: {error.what}"))
                session.commit()
            raise


    def _check_edited(self, session: Session, dialect: Dialect, version_table: VersionTable) -> None:
        gate, prefix = self._gate, dialect.features.registry_prefix
        if self._environment is None or gate.asked.verb not in (Verb.UPGRADE, Verb.DOWNGRADE):
            return
        seen = see(session, dialect, dialect.place(session), version_table)
        graph = graph_of(self._project)
        if seen.registry_version >= chain.SINCE and graph.complete:
            with dialect.own_names(session):
                kept = ledger.fingerprints(session, prefix)
            check_edited(edited(graph, seen.heads, kept), self._environment, gate.where, _say)


class _Surveyor(Passage):
    """Judges by the marker alone: in the dry pass the command's verb is not known yet."""

    def __init__(self, request: Request, project: Project) -> None:
        environment = environment_of(project, request.environment) if request.environment else None
        super().__init__(_gate(request, project, environment), _say, _limits(environment), project.folder)

    def judge(self, session: Session, dialect: Dialect, version_table: VersionTable) -> None:
        """See `Crew`."""
        self.judge_new(session, dialect)


def _refuse_marked(session: Session, dialect: Dialect) -> None:
    if not dialect.own_tables(session):
        return
    name = marker.name_of(session, dialect.features.registry_prefix)
    if name is None or name[0] == SCRATCH:
        return
    seen = see(session, dialect, dialect.place(session))
    what = f"this database is `{name[0]}` of project `{name[1]}`, and there is no lockgate.toml here"
    raise Refused("no-project", what, seen.place, "run the command in the project's folder, or pass its alembic.ini with -c")


def _say(event: Event) -> None:
    if isinstance(event, Notice):
        _log.warning("%s", event.text)
    elif isinstance(event, Waiting):
        _log.warning("waiting for the lock, held by %s (%.0f of %.0f s)", event.holder, event.waited_s, event.limit_s)
    elif isinstance(event, Blocked):
        _log.warning("revision %s waits for a lock of %s", event.step.revision, "; ".join(event.by))
    elif isinstance(event, Retrying):
        _log.warning("revision %s: %s; trying again in %.1f s", event.step.revision, event.reason, event.delay_s)
