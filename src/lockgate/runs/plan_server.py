"""The server on which a plan's revisions run: the one that the settings name for it, or a throw-away embedded one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.dialects.connect import dialect_named
from lockgate.dialects.features import ServerFacts
from lockgate.dialects.tracing import Tracing
from lockgate.errors import LockgateError, Refused, Unreachable
from lockgate.runs.gate import look, opened
from lockgate.runs.scratch_database import ScratchDatabase
from lockgate.runs.scratch_server import ScratchServer, files_in
from lockgate.runs.target import Target, target_of
from lockgate.scratch.copies import folder_for_copies
from lockgate.settings.project import Environment, Project, UrlSource
from lockgate.words import SCRATCH, Request, Verb

if TYPE_CHECKING:
    from lockgate.scratch import Server
    from lockgate.scratch.kept import Kept

_ADOPT = "give that database an environment of its own with `scratch = true`, then: lockgate adopt THAT_ENVIRONMENT"


@contextmanager
def plan_server(
    like: Environment,
    project: Project,
    environ: Mapping[str, str],
    backend: str,
    facts: ServerFacts | None = None,
    kept: Kept | None = None,
) -> Iterator[ScratchServer]:
    """
    Give a server for scratch databases, or a folder for files.

    Args:
        backend: what kind of database the revisions are for; files need no server, also where the settings name one.
        facts: of the server it is to stand in for; None where there is none.
        kept: see `embedded`; on another server it is nothing.
    Raises:
        Refused: `scratch-not-allowed`: the database that `scratch_url` names does not say that it may.
        Unreachable: `no-plan`: it has another major version, or there is neither one nor an embedded server of this product; and as any
            embedded server.
    """
    features, source = dialect_named(backend).features, like.scratch_url or project.scratch_url
    if not features.shares_server:
        with folder_for_copies() as folder:
            yield replace(files_in(folder), label="temporary file")
        return
    if source is not None:
        yield _named(source, like, project, environ, facts)
        return
    if not features.embeds:
        what = f"there is no embedded server of {backend}, and the settings name no other one"
        raise Unreachable("no-plan", what, like.where, 'name one: scratch_url = { env = "BENCH_DATABASE_URL" }')
    with embedded(kept) as server:
        url = server.url("postgres")
        if facts is not None:
            server.create_roles((*facts.roles, facts.role), facts.role)
            url = replace(url, username=facts.role)
        yield ScratchServer(url, "embedded server", ours=True)


@contextmanager
def embedded(kept: Kept | None = None, keep: Callable[[Path], None] | None = None) -> Iterator[Server]:
    """
    Run an embedded server that is gone at the block's end.

    Args:
        kept: another one, as which it begins. What cannot be begun with is discarded, and then this is a new one.
        keep: see `temporary_server`.
    Raises: as `temporary_server`.
    """
    from lockgate.scratch import temporary_server  # here: it needs psycopg

    with ExitStack() as stack:
        server = None
        if kept is not None:
            try:
                server = stack.enter_context(temporary_server(kept.unpack, keep))
            except (OSError, Unreachable):
                kept.discard()
        if server is None:
            server = stack.enter_context(temporary_server(keep=keep) if keep else temporary_server())
        server.write_carelessly()
        yield server


def install(tracing: Tracing, scratch: ScratchDatabase) -> None:
    """Let a scratch database notice what is done to it; Unreachable `no-plan` where the role may not make event triggers."""
    try:
        with scratch.writing() as permit:
            tracing.install(permit)
    except LockgateError as error:
        if error.code != "permission-denied":
            raise
        what = f"the scratch server cannot be watched: {error.what}"
        hint = "event triggers need a superuser: give `scratch_url` one, or leave it out for the embedded server"
        raise Unreachable("no-plan", what, scratch.url.place, hint) from error


def _named(source: UrlSource, like: Environment, project: Project, environ: Mapping[str, str], facts: ServerFacts | None) -> ScratchServer:
    asking = replace(like, url=source, query={}, driver="")
    target = target_of(Request(Verb.PLAN, like.name, environ=environ), replace(project, environments={like.name: asking}))
    if not target.dialect.features.shares_server:
        raise Unreachable("no-plan", "`scratch_url` names a file, and files need no server", target.url.place, "leave it out")
    _check_allowed(target, project)
    if facts is not None:
        with opened(target) as session:
            found = target.dialect.server_facts(session)
        if found.major != facts.major:
            what = f"the server of `scratch_url` is {found.product}, this database's is {facts.product}"
            raise Unreachable("no-plan", what, target.url.place, "name one of the same major version, or leave out `scratch_url`")
    return ScratchServer(target.url, "server of `scratch_url`")


def _check_allowed(target: Target, project: Project) -> None:
    """A swapped URL would lead to somebody else's server: the database itself has to say that it is there for this."""
    seen = look(target)
    identity = seen.identity
    if identity is None:
        says = "does not say which environment it is"
    elif identity.environment == SCRATCH:
        return
    else:
        known = project.environments.get(identity.environment)
        allowed = known is not None and known.scratch and identity.project == project.name
        if allowed and identity.cluster.same(seen.cluster):
            return
        why = "and is a copy of it" if allowed else "whose settings do not allow it"
        says = f"says it is `{identity.environment}` of project `{identity.project}`, {why}"
    what = f"refused to make scratch databases on the server of `scratch_url`: its database {says}"
    raise Refused("scratch-not-allowed", what, target.url.place, _ADOPT)
