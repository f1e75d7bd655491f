"""
A fresh, migrated database for every test; what the pytest plugin stands on.

The first one of a session finds or builds the template; every further one is a copy, made ahead or given back as new.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lockgate.files import load_project
from lockgate.runs.host import Host, LocalHost, kept_name
from lockgate.runs.host_service import RemoteHost
from lockgate.runs.scratch_database import ScratchDatabase, default_environment, make, scratch_of, url_of
from lockgate.runs.scratch_server import ScratchServer, can_embed, embedded_in, files_in, server_of
from lockgate.runs.seed_files import chosen
from lockgate.runs.template import Template, provide, template_of
from lockgate.secret import DatabaseUrl
from lockgate.settings.project import Environment, Project

__test__ = False  # for a pytest that is pointed here: this is no module of tests


@dataclass(frozen=True)
class Wish:
    """
    How a test session wants its databases.

    Args:
        project: a folder in it.
        environ: variables for the URL of the environment named for tests.
        address: socket of the process that owns the databases; empty where it is this one.
        keep: databases of failed tests stay after the session.
    """

    project: Path
    environ: Mapping[str, str]
    address: str = ""
    keep: bool = False


@dataclass(frozen=True)
class Lease:
    """One database that belongs to one test until it is given back."""

    name: str
    url: DatabaseUrl

    @property
    def text(self) -> str:
        """The URL as SQLAlchemy takes it."""
        return self.url.render().reveal()


class TestDatabases:
    """
    The databases of one test process.

    Args:
        host: makes the owner of the databases; None for the one that settings and wish lead to.
    """

    __test__ = False

    def __init__(self, wish: Wish, host: Callable[[Project], Host] | None = None) -> None:
        self._wish = wish
        self._project = load_project(wish.project)
        self._like = _like(self._project)
        self._host = host(self._project) if host else self._find_host()
        self._clones = self._host.server.dialect.clones(self._host.server.url, 10.0)
        self._templates: dict[tuple[str, ...], Template] = {}

    @property
    def project(self) -> Project:
        """The project whose databases these are."""
        return self._project

    @property
    def spared(self) -> tuple[str, ...]:
        """See `Host`."""
        return self._host.spared

    def scratch(self, lease: Lease) -> ScratchDatabase:
        """Describe a database that was taken or made."""
        return scratch_of(self._project, self._clones, lease.name, self._like)

    def make(self) -> Lease:
        """Make an empty database, marked; it is not from a template and cannot be given back, only dropped."""
        name = self._host.new_name()
        make(self._project, self._clones, name, self._like)
        return Lease(name, url_of(self._clones, name, self._like))

    @contextmanager
    def copied(self, lease: Lease) -> Iterator[ScratchDatabase]:
        """Give a second one like it for the block; sessions on it are ended."""
        name = self._host.new_name()
        self._clones.rename(lease.name, name)  # ends sessions that env.py may have kept in a pool
        try:
            self._clones.clone(name, lease.name)
            yield scratch_of(self._project, self._clones, name, self._like)
        finally:
            self._clones.drop(name)

    def drop(self, lease: Lease) -> None:
        """Drop what `make` made."""
        self._clones.drop(lease.name)

    def template(self, seeds: Sequence[str] = (), *, all_seeds: bool = False) -> Template:
        """
        Find or build the template with these seeds.

        Args:
            all_seeds: those that belong into the environment named for tests, whatever `seeds` says.
        Raises:
            LockgateError: the project cannot be migrated or seeded.
        """
        names = tuple(seed.name for seed in chosen(self._project, self._like.name, ())) if all_seeds else tuple(sorted(set(seeds)))
        if names not in self._templates:
            template = template_of(self._project, self._like, names, self._clones, self._host.new_name())
            provide(template, self._clones, self._host.new_name)
            self._templates[names] = template
        return self._templates[names]

    def take(self, template: Template) -> Lease:
        """Take a database of one's own."""
        name = self._host.take(template.name)
        return Lease(name, url_of(self._clones, name, self._like))

    def give(self, lease: Lease, *, drop: bool = False) -> None:
        """Give it back; other sessions on it are ended."""
        self._host.give(lease.name, drop=drop)

    def keep(self, lease: Lease) -> None:
        """Let a database stay after the session, when the test is over."""
        self._host.keep(lease.name)

    def when_kept(self, lease: Lease) -> str:
        """Return how to connect to a database that is going to be kept, in lines for people; they hold no password."""
        url = self._clones.url(kept_name(self._clones, self._project, lease.name))
        command, _, _ = self._host.server.dialect.client(url)
        return f"{url.place}\n{shlex.join(command)}"

    def close(self) -> None:
        """Give everything back; drop what this process made, where it owns it."""
        self._clones.close()
        self._host.close()

    def _find_host(self) -> Host:
        wish, project = self._wish, self._project
        server = _named_server(project, wish.environ)
        if server is None or server.dialect.features.shares_server:
            if wish.address and Path(wish.address).exists():  # not on another machine
                url = server.url.render().reveal() if server else ""
                return RemoteHost(wish.address, project, url, server.label if server else "", stays=wish.keep)
            server = server or embedded_in(project.folder, stays=wish.keep)
        return LocalHost(server, project, keeps=wish.keep)


def _named_server(project: Project, environ: Mapping[str, str]) -> ScratchServer | None:
    """The server that the settings name, or files; None for the embedded one."""
    if project.tests.environment:
        return server_of(project, project.tests.environment, environ)
    if project.tests.server not in ("", "embedded") or (not project.tests.server and not can_embed()):
        return files_in(project.folder / ".lockgate" / "tests" / "files")
    return None


def _like(project: Project) -> Environment:
    return project.environments[project.tests.environment] if project.tests.environment else default_environment(project)
