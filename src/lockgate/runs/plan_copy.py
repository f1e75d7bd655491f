"""Where a plan's revisions run: a scratch copy of the target, which is only read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from lockgate.dialects.connect import tracing_named
from lockgate.dialects.features import ServerFacts
from lockgate.dialects.tracing import Tracing
from lockgate.errors import Unreachable
from lockgate.events import Notice, Notify
from lockgate.hazards.effects import COPY, SCHEMA, Effects, Size
from lockgate.registry import journal
from lockgate.runs.gate import opened
from lockgate.runs.plan_server import install, plan_server
from lockgate.runs.scratch_database import ScratchDatabase, held, scratch_database
from lockgate.runs.scratch_server import ScratchServer
from lockgate.runs.target import Target
from lockgate.settings.project import Project
from lockgate.words import Sight, VersionTable

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_PATIENCE_S = 2.0  # for a table that somebody holds exclusively: a plan must not queue in front of an application


@dataclass(frozen=True)
class Original:
    """
    The target as it was found.

    Args:
        journal: what is written down about a revision that a broken run left half applied there.
    """

    target: Target
    sight: Sight
    facts: ServerFacts
    sizes: tuple[Size, ...]
    tracing: Tracing
    journal: tuple[tuple[object, ...], ...] = ()


def read_original(target: Target, seen: Sight) -> Original:
    """Read what is to be copied."""
    tracing = tracing_named(target.url.backend)
    with opened(target) as session:
        target.dialect.bound_waiting(session, _PATIENCE_S)
        half = seen.half_applied if seen.half_applied and seen.half_applied.direction == "upgrade" else None
        done = tuple(journal.rows_of(session, target.dialect.features.registry_prefix, half)) if half else ()
        return Original(target, seen, target.dialect.server_facts(session), tracing.sizes(session), tracing, done)


@contextmanager
def copied(
    original: Original, project: Project, environ: Mapping[str, str], notify: Notify, *, with_rows: bool = True
) -> Iterator[tuple[ScratchDatabase, Effects]]:
    """
    Give a scratch database that is the target's copy and gone afterwards, and what kind of copy it is; raises as `plan_server`.

    Args:
        with_rows: where the product copies them; otherwise never, without a word.
    """
    target, facts = original.target, original.facts
    with (
        _server(target, facts, project, environ) as server,
        server.entered() as clones,
        held(project, clones, "plan") as name,
        scratch_database(project, clones, name, target.environment) as scratch,
    ):
        again = "" if with_rows else " without rows, to see what more they stand in the way of"
        notify(Notice(f"running the pending revisions on a scratch copy{again} ({clones.product})"))
        clones.configure(name, facts.settings)
        stubs = _stubs(original, scratch.target)
        for stub in stubs:
            notify(Notice(f"extension `{stub}` is not there on the scratch server: its types and functions are imitated"))
        bare = replace(scratch.url, driver="")
        source = original.tracing.copy_schema(_programs(target), target.url, bare, _PATIENCE_S, stubs, with_rows=with_rows)
        if source == SCHEMA and with_rows:
            notify(Notice("the copy is without rows: what fails for a row is not seen"))
        if original.journal:
            notify(Notice(f"half applied by an earlier run: {original.sight.half_applied}; the plan goes on behind that, as the next run will"))
        _prepare(scratch, original, with_rows=source == COPY)
        sizes = _counted(scratch, original) if source == COPY else original.sizes
        yield scratch, Effects(scratch=clones.product, server=facts.product, source=source, sizes=sizes, stubs=tuple(stubs))


def _server(target: Target, facts: ServerFacts, project: Project, environ: Mapping[str, str]) -> AbstractContextManager[ScratchServer]:
    """Give a server of the target's kind: one for plans, or its own where nothing else can stand in and its settings allow that."""
    features, environment = target.dialect.features, target.environment
    if features.embeds or not features.shares_server or environment.scratch_url or project.scratch_url:
        return plan_server(environment, project, environ, target.url.backend, facts)
    if not environment.scratch:
        name = environment.name
        what = f"there is no embedded server of this product, and the settings of `{name}` do not allow scratch databases on its own server"
        hint = f"write `scratch = true` into [environments.{name}], best of one that is not production; or read the SQL: alembic upgrade head --sql"
        raise Unreachable("no-plan", what, target.where, hint)
    return nullcontext(ScratchServer(target.url, f"the server of `{environment.name}`"))


def _programs(target: Target) -> Path:
    """Return the folder of the database's client programs; any where it needs none."""
    if not target.dialect.features.embeds:
        return Path()
    from lockgate.scratch.dump import client_programs

    return client_programs()


def _stubs(original: Original, scratch: Target) -> Mapping[str, str]:
    with opened(scratch) as session:
        available = scratch.dialect.server_facts(session).extensions
    with opened(original.target) as session:
        return original.tracing.stubs(session, available)


def _counted(scratch: ScratchDatabase, original: Original) -> tuple[Size, ...]:
    with opened(scratch.target) as session:
        return original.tracing.sizes(session, counts=True)


def _prepare(scratch: ScratchDatabase, original: Original, *, with_rows: bool) -> None:
    """Write heads and journal of the target into the copy, unless they came along, and let the copy notice what is done to it."""
    table = original.sight.version_table or original.sight.kept_version_table or VersionTable()
    # Quotation marks only where they must be: products have different ones.
    name = ".".join(part if _PLAIN.fullmatch(part) else '"' + part.replace('"', '""') + '"' for part in (table.schema, table.name) if part)
    with scratch.writing() as permit:
        for head in () if with_rows else original.sight.heads:
            permit.session.write(f"insert into {name} (version_num) values (:head)", {"head": head})
        permit.session.commit()
        if original.journal and not with_rows:
            features = scratch.dialect.features
            journal.create(permit, features.registry_prefix, features.moment, features.long_text, features.registry_options)
            journal.put(permit, features.registry_prefix, original.journal)
            permit.session.commit()
    install(original.tracing, scratch)
