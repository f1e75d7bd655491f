"""`plan`: what the pending revisions will do to a database, seen on a scratch copy of its schema; reads only."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NoReturn

import msgspec

from lockgate.dialects.connect import tracing_named
from lockgate.dialects.features import ServerFacts
from lockgate.dialects.tracing import Tracing
from lockgate.errors import CODES, Bug, LockgateError, Unreachable
from lockgate.events import Notice, Notify
from lockgate.files import graph_of, revision_text
from lockgate.graph import check_single_head, check_target
from lockgate.hazards.effects import Effects, Size
from lockgate.hazards.judge import judge
from lockgate.hazards.plan import PlanOutcome
from lockgate.runs.arrival import check_known, check_no_range
from lockgate.runs.gate import check_identity, find, opened
from lockgate.runs.scratch_database import ScratchDatabase, scratch_database
from lockgate.runs.scratch_server import ScratchServer
from lockgate.runs.target import Target
from lockgate.runs.traced import Orders, Told
from lockgate.secret import without_secrets
from lockgate.settings.project import Project
from lockgate.words import Request, Sight, VersionTable

_PATIENCE_S = 2.0  # for a table that somebody holds exclusively: a plan must not queue in front of an application
# What reaches a database or a vault without being a secret by its name.
_WAYS_OUT = ("PG", "AWS_", "AZURE_", "GOOGLE_", "VAULT_", "MYSQL_")


@dataclass(frozen=True)
class _Original:
    """The target as it was found."""

    target: Target
    sight: Sight
    facts: ServerFacts
    sizes: tuple[Size, ...]
    tracing: Tracing


def plan(request: Request, project: Project, notify: Notify) -> PlanOutcome:
    """
    Run an environment's pending revisions on a scratch copy of its schema; its own database is only read.

    Args:
        request: `to` is the target in Alembic's notation; empty means `head`.
        notify: hears that the copy is made.
    Returns:
        `code` is `plan-fails` where a revision fails on the copy.
    Raises:
        Unreachable: `no-plan` where it cannot be told, with the reason.
        Refused: `identity-mismatch`, `unknown-revision`.
    """
    request = replace(request, to=request.to or "head")
    graph = graph_of(project)
    check_no_range(request)
    if request.to == "head":
        check_single_head(graph)
    check_target(graph, request.to)
    target, seen = find(request, project)
    check_identity(request, target, seen)
    check_known(graph, seen, target)
    empty = Effects(environment=request.environment, heads=seen.heads, target=request.to, source="pg_dump")
    if request.to in ("head", "heads") and graph.complete and seen.heads and not graph.pending(seen.heads):
        return PlanOutcome(request.environment, seen.place, empty, judge(empty))
    original = _original(target, seen)
    with _copied(original, project, notify) as (scratch, facts):
        told = _told(request, project, scratch, seen.heads)
    if told.trouble is not None:
        _give_up(told)
    known = {"scratch": facts.scratch, "server": facts.server, "stubs": facts.stubs, "sizes": facts.sizes}
    effects = msgspec.structs.replace(empty, revisions=told.revisions, back=told.back, unrestored=told.unrestored, **known)
    fails = any(revision.fault for revision in effects.revisions)
    judged = judge(effects, sources=_sources(effects, project))
    return PlanOutcome(request.environment, seen.place, effects, judged, "plan-fails" if fails else "")


def _sources(effects: Effects, project: Project) -> dict[str, str]:
    """Texts of the revisions, which may allow a finding in a comment."""
    return {revision.file: revision_text(project.folder / revision.file) for revision in effects.revisions}


def _original(target: Target, seen: Sight) -> _Original:
    tracing = tracing_named(target.url.backend)
    if tracing is None:
        what = f"revisions for {target.url.backend} cannot be planned yet: there is no scratch server of this product"
        raise Unreachable("no-plan", what, target.where, "read the SQL instead: alembic upgrade head --sql")
    with opened(target) as session:
        target.dialect.bound_waiting(session, _PATIENCE_S)
        return _Original(target, seen, target.dialect.server_facts(session), tracing.sizes(session), tracing)


@contextmanager
def _copied(original: _Original, project: Project, notify: Notify) -> Iterator[tuple[ScratchDatabase, Effects]]:
    """Give a scratch database with the target's schema and heads, on a server of its own that is gone afterwards, and where that stands."""
    from lockgate.scratch import temporary_server  # here: it needs psycopg
    from lockgate.scratch.dump import client_programs

    target, facts = original.target, original.facts
    with temporary_server() as embedded:
        embedded.write_carelessly()
        embedded.create_roles((*facts.roles, facts.role), facts.role)
        server = ScratchServer(replace(embedded.url("postgres"), username=facts.role), "embedded server", ours=True)
        name = f"lockgate_plan_{uuid.uuid4().hex[:12]}"
        with server.entered() as clones, scratch_database(project, clones, name, target.environment) as scratch:
            notify(Notice(f"running the pending revisions on a scratch copy of the schema ({clones.product})"))
            clones.configure(name, facts.settings)
            stubs = _stubs(original, scratch.target)
            for stub in stubs:
                notify(Notice(f"extension `{stub}` is not there on the scratch server: its types and functions are imitated"))
            original.tracing.copy_schema(client_programs(), target.url, replace(scratch.url, driver=""), _PATIENCE_S, stubs)
            _set_heads(scratch, original)
            yield scratch, Effects(scratch=clones.product, server=facts.product, sizes=original.sizes, stubs=tuple(stubs))


def _stubs(original: _Original, scratch: Target) -> Mapping[str, str]:
    with opened(scratch) as session:
        available = scratch.dialect.server_facts(session).extensions
    with opened(original.target) as session:
        return original.tracing.stubs(session, available)


def _set_heads(scratch: ScratchDatabase, original: _Original) -> None:
    """Write the target's heads into the copy of its version table, and let the copy notice what is done to it."""
    table = original.sight.version_table or original.sight.kept_version_table or VersionTable()
    name = ".".join('"' + part.replace('"', '""') + '"' for part in (table.schema, table.name) if part)
    with scratch.writing() as permit:
        for head in original.sight.heads:
            permit.session.write(f"insert into {name} (version_num) values (:head)", {"head": head})
        permit.session.commit()
        original.tracing.install(permit)


def _told(request: Request, project: Project, scratch: ScratchDatabase, heads: tuple[str, ...]) -> Told:
    back = heads[0] if len(heads) == 1 else "" if heads else "base"
    orders = Orders(str(project.folder), request.environment, scratch.url.render().reveal(), request.to, back)
    # -P: `-m` would otherwise look for modules where the caller stands, as `lockgate` itself does not.
    done = subprocess.run(
        [sys.executable, "-P", "-m", "lockgate.runs.traced"],
        input=msgspec.json.encode(orders),
        stdout=subprocess.PIPE,
        env=_harmless(request.environ, project),
        check=False,
    )
    try:
        return msgspec.json.decode(done.stdout, type=Told)
    except msgspec.DecodeError:
        what = f"the process that ran the revisions ended with status {done.returncode} before it could tell what they did"
        raise Unreachable("no-plan", what, scratch.url.place, "look at what it wrote to standard error") from None


def _harmless(environ: Mapping[str, str], project: Project) -> dict[str, str]:
    """Variables without credentials, and without any that leads to a database."""
    environments = project.environments.values()
    ours = {name for environment in environments for name in (*environment.export, environment.url.value, project.variable.name)}
    return {
        name: value for name, value in without_secrets(environ).items() if name not in ours and not name.startswith(_WAYS_OUT)
    }


def _give_up(told: Told) -> NoReturn:
    trouble = told.trouble
    if trouble is None or trouble.code not in CODES:
        raise Bug("internal", f"the plan's process told nonsense: {json.dumps(trouble and trouble.code)}")
    hint = trouble.hint
    if trouble.code == "env-failed":
        hint = "revisions are planned without credentials: give env.py a default for what it reads from a variable; it is led to the copy anyway"
    error: LockgateError = CODES[trouble.code](trouble.code, trouble.what, trouble.where, hint)
    raise error
