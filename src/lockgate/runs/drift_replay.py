"""What the applied revisions make: they are run on a scratch database, which is read and dropped."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from lockgate.dialects.features import ServerFacts
from lockgate.drift.ignore import names_extension
from lockgate.drift.items import Extension
from lockgate.drift.snapshot import Snapshot
from lockgate.errors import Busy, LockgateError, Unreachable
from lockgate.events import Notice, Notify
from lockgate.runs.gate import opened
from lockgate.runs.scratch_database import ScratchDatabase, held, scratch_database
from lockgate.runs.scratch_server import ScratchServer, files_in
from lockgate.runs.target import Target
from lockgate.settings.project import Project
from lockgate.words import Sight, VersionTable

_NOT_EMBEDDED = "there is no embedded server of this product"


@dataclass(frozen=True)
class _Need:
    """What the scratch server must be like."""

    target: Target
    facts: ServerFacts
    extensions: tuple[str, ...]

    def objection(self, server: ServerFacts, label: str) -> str:
        """Why a server cannot stand in; empty where it can."""
        if server.major != self.facts.major:
            return f"{label} is {server.product}, this database's is {self.facts.product}"
        missing = [name for name in self.extensions if name not in server.extensions]
        return f"{label} does not have the extension {', '.join(f'`{name}`' for name in missing)}" if missing else ""


def replayed(target: Target, project: Project, seen: Sight, found: Snapshot, notify: Notify) -> tuple[Snapshot, str]:
    """
    Run the revisions that are applied on the target on a scratch database, and read what they made.

    Args:
        found: the target's own schema; its extensions must be available.
    Returns:
        The schema, and where it was made.
    Raises:
        Unreachable: `no-comparison`, naming each place that was considered and why it does not do, or the revision that failed.
    """
    with opened(target) as session:
        facts = target.dialect.server_facts(session)
    extensions = (item.name for item in found.of(Extension))
    need = _Need(target, facts, tuple(name for name in extensions if not names_extension(project.drift.ignore, name)))
    with _server(need, project) as server:
        notify(Notice(f"running {'the revisions' if seen.heads else 'no revision'} on a scratch database ({server.label})"))
        return _replay(server, need, project, seen), f"{facts.product}, {server.label}"


def _replay(server: ScratchServer, need: _Need, project: Project, seen: Sight) -> Snapshot:
    with (
        _explained(f"no scratch database can be made ({server.label})", need, project),
        server.entered() as clones,
        held(project, clones, "drift") as name,
        scratch_database(project, clones, name, need.target.environment) as scratch,
    ):
        clones.configure(name, need.facts.settings)
        with _explained(f"the revisions do not run on the scratch database ({server.label})", need, project):
            after = _brought(scratch, need, seen)
        table = after.version_table or after.kept_version_table or VersionTable()
        with opened(scratch.target) as session:
            return need.target.dialect.snapshot(session, table, after.heads, grants=project.drift.grants)


@contextmanager
def _explained(what: str, need: _Need, project: Project) -> Iterator[None]:
    """Whatever goes wrong on the way to a comparison: there is none. Another run in this process is something to wait for."""
    try:
        yield
    except Busy:
        raise
    except LockgateError as error:
        if error.code == "no-comparison":
            raise
        hint = error.hint or _ways_out(need.target, project)
        raise Unreachable("no-comparison", f"{what}: {error.what}", error.where, hint) from error


def _brought(scratch: ScratchDatabase, need: _Need, seen: Sight) -> Sight:
    """Bring the scratch database to where the target is, and look at it."""
    for head in seen.heads:
        scratch.upgrade(head)
    after = scratch.look()
    if after.heads != seen.heads:
        ours, theirs = ", ".join(seen.heads) or "base", ", ".join(after.heads) or "base"
        what = f"the scratch database came to revision {theirs}, this database is at {ours}"
        raise Unreachable("no-comparison", what, need.target.where, "look at `lockgate history` for a stamp that skipped something")
    return after


@contextmanager
def _server(need: _Need, project: Project) -> Iterator[ScratchServer]:
    """A server that can stand in: files of a temporary folder, a throw-away embedded server, or the target's own."""
    if not need.target.dialect.features.shares_server:
        with tempfile.TemporaryDirectory(prefix="lockgate-") as folder:
            yield replace(files_in(Path(folder)), label="temporary file")
        return
    with _embedded(need) if need.target.dialect.features.embeds else nullcontext(_NOT_EMBEDDED) as found:
        if isinstance(found, ScratchServer):
            yield found
            return
        objections = [found]
    objections.append(_own_objection(need))
    if not objections[-1]:
        yield ScratchServer(need.target.url, f"the server of `{need.target.environment.name}`")
        return
    what = f"no server can stand in for this one: {'; '.join(objections)}"
    raise Unreachable("no-comparison", what, need.target.where, _ways_out(need.target, project))


def _own_objection(need: _Need) -> str:
    if not need.target.environment.scratch:
        return f"`{need.target.environment.name}` does not allow scratch databases on its own server"
    return need.objection(need.facts, "its own server")


@contextmanager
def _embedded(need: _Need) -> Iterator[ScratchServer | str]:
    """A throw-away embedded server with the target's roles on it, or why there is none."""
    from lockgate.scratch import temporary_server  # here: it needs psycopg

    with ExitStack() as stack:
        try:
            server = stack.enter_context(temporary_server())
        except LockgateError as error:
            yield error.what
            return
        place = Target(need.target.environment, server.url("postgres"), need.target.dialect)
        with opened(place) as session:
            objection = need.objection(need.target.dialect.server_facts(session), "the embedded server")
        if objection:
            yield objection
            return
        server.write_carelessly()
        server.create_roles(need.facts.roles, need.facts.role)
        yield ScratchServer(replace(place.url, username=need.facts.role), "embedded server", ours=True)


def _ways_out(target: Target, project: Project) -> str:
    name = target.environment.name
    file = project.drift.snapshot or "FILE"
    return f"lockgate drift {name} --against {file} (see --save), or --against models, or write `scratch = true` into [environments.{name}]"

