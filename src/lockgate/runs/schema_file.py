"""`snapshot --sql`: the schema of the head as a file, made on a scratch database and proved equal to what the revisions make."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lockgate.dialects.clones import Clones
from lockgate.dialects.connect import dialect_named
from lockgate.drift.compare import compare
from lockgate.errors import Failed, UsageError
from lockgate.events import Notice, Notify
from lockgate.files import graph_of, private_file, replace_text
from lockgate.files.digest import beside_digest
from lockgate.graph import Graph, SchemaFile, source_digest
from lockgate.runs.from_schema import read_fresh, schema_path
from lockgate.runs.gate import opened
from lockgate.runs.scratch_database import ScratchDatabase, scratch_database
from lockgate.runs.scratch_server import ScratchServer, files_in
from lockgate.runs.snapshots import snapshot_of
from lockgate.settings.project import Project
from lockgate.words import VersionTable

_MOST_BYTES = 32_000_000  # a schema file is read whole, and lives in git
_NAMED = 5  # differences

Dump = Callable[[ScratchDatabase, bool], str]  # rows alone where it is true and the product can


@dataclass(frozen=True)
class _Bench:
    clones: Clones
    dump: Dump


def make_schema_file(project: Project, product: str, notify: Notify) -> Path:
    """
    Run all revisions on a scratch database, dump it, prove that the dump makes the same, and keep it.

    Returns:
        The file, absolute.
    Raises:
        Failed: `schema-unequal`: the old file stays.
        LockgateError: the revisions do not run on an empty database.
    """
    graph, path = _graph(project), schema_path(project, product)
    with _bench(product) as bench, _replayed(bench, project, graph, notify) as replayed:
        body = bench.dump(replayed, False)
        if len(body.encode()) > _MOST_BYTES:
            what = f"the revisions leave too many rows for a schema file: {len(body.encode()):,} bytes, at most {_MOST_BYTES:,}"
            raise UsageError("database-unsupported", what, str(path), "load such rows by seeds")
        digest = source_digest(graph, beside_digest(project))
        file = SchemaFile(path.name, bench.clones.product, tuple(sorted(graph.effective_heads)), digest, body)
        notify(Notice("loading the dump into a second scratch database, and comparing"))
        with private_file(file.text) as draft, _loaded(bench, project, str(draft)) as second:
            _compare(bench, project, replayed, second, file.name, rows=True)
        replace_text(path, file.text)
    return path


def check_schema_file(project: Project, product: str, notify: Notify) -> Path:
    """
    Prove that the schema file belongs to the revisions and makes the same schema; rows are vouched for by its header.

    Raises:
        Failed: `schema-stale`, `schema-unequal`.
    """
    graph, path = _graph(project), schema_path(project, product)
    read_fresh(project, product, graph)
    with _bench(product) as bench, _replayed(bench, project, graph, notify) as replayed, _loaded(bench, project, "") as second:
        _compare(bench, project, replayed, second, path.name, rows=False)
    return path


def _graph(project: Project) -> Graph:
    graph = graph_of(project)
    if not graph.complete:
        hint = "write `revision` and `down_revision` of every revision as plain literals"
        raise UsageError(
            "revision-unreadable", "a schema file needs a history that can be read without running it", project.alembic_ini, hint
        )
    return graph


@contextmanager
def _bench(product: str) -> Iterator[_Bench]:
    """A throw-away embedded server with its pg_dump, or a temporary folder."""
    if not dialect_named(product).features.embeds:
        with tempfile.TemporaryDirectory(prefix="lockgate-") as folder, files_in(Path(folder)).entered() as clones:
            yield _Bench(clones, lambda scratch, rows_only: _dump_file(scratch))
        return
    from lockgate.scratch import temporary_server  # here: it needs psycopg

    with temporary_server() as server:
        server.write_carelessly()

        def dump(scratch: ScratchDatabase, rows_only: bool) -> str:
            table = _version_table(scratch)
            name = f'"{table.schema}"."{table.name}"' if table.schema else f'"{table.name}"'
            without = ["--exclude-schema=lockgate", f"--exclude-table={name}"]
            return server.dump(scratch.url.database, without, rows_only=rows_only)

        with ScratchServer(server.url("postgres"), "embedded server", ours=True).entered() as clones:
            yield _Bench(clones, dump)


def _dump_file(scratch: ScratchDatabase) -> str:
    with opened(scratch.target) as session:
        return scratch.dialect.dump(session, _version_table(scratch))


def _version_table(scratch: ScratchDatabase) -> VersionTable:
    seen = scratch.look()
    return seen.version_table or seen.kept_version_table or VersionTable()


@contextmanager
def _replayed(bench: _Bench, project: Project, graph: Graph, notify: Notify) -> Iterator[ScratchDatabase]:
    notify(Notice(f"running {len(graph.revisions)} revisions on a scratch database ({bench.clones.product})"))
    with _scratch(bench, project) as scratch:
        scratch.upgrade("heads")
        yield scratch


@contextmanager
def _loaded(bench: _Bench, project: Project, file: str) -> Iterator[ScratchDatabase]:
    with _scratch(bench, project) as scratch:
        scratch.upgrade("heads", from_schema=file)
        yield scratch


@contextmanager
def _scratch(bench: _Bench, project: Project) -> Iterator[ScratchDatabase]:
    with scratch_database(project, bench.clones, f"{bench.clones.family('schema')}{uuid.uuid4().hex[:12]}") as scratch:
        yield scratch


def _compare(bench: _Bench, project: Project, replayed: ScratchDatabase, second: ScratchDatabase, name: str, *, rows: bool) -> None:
    wanted, found = (snapshot_of(one.target, one.look(), grants=project.drift.grants) for one in (replayed, second))
    differences = compare(found, wanted)
    hint = "run the revisions for such databases; a schema file cannot stand in for this history"
    if differences:
        told = "; ".join(difference.sentence for difference in differences[:_NAMED])
        raise Failed("schema-unequal", f"`{name}` makes another schema than the revisions: {told}", name, hint)
    if rows and bench.dump(replayed, True) != bench.dump(second, True):
        raise Failed("schema-unequal", f"`{name}` makes other rows, or other positions of sequences, than the revisions", name, hint)
