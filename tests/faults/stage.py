"""What one worker process has: its servers, its disks, its projects; each made when the first trial asks for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from building import SETTINGS, Tiny
from faults import projects
from faults.arena import Arena, Stock, on_mariadb, on_postgres, on_sqlite
from faults.children import end_with_parent
from faults.servers import Disk, Postgres, small_disk
from maria import SURVIVES_A_KILL, Maria, mariadb

PATIENT = 20  # revisions: long enough for a random moment to fall anywhere
SHORT = 4  # revisions: every statement of theirs is met
_MARIADB_LONG, _MARIADB_SHORT = 8, 2
_DISK_BYTES = 24 << 20
_SQLITE_DISK_BYTES = 4 << 20
_TABLESPACE = "small"
STATEMENT_TIMEOUT = 0.4  # seconds
_CONNECT_TIMEOUT = 2  # seconds; a cut wire answers nobody


def _with(line: str) -> str:
    return SETTINGS.replace('protection = "open"\n', f'protection = "open"\n{line}\n')


IMPATIENT_STATEMENTS = _with(f"statement_timeout = {STATEMENT_TIMEOUT}")
IMPATIENT_CONNECTIONS = _with(f"connect_timeout = {_CONNECT_TIMEOUT}")


@dataclass
class Stage:
    """
    Everything that trials of one process share.

    Args:
        folder: of its own.
    """

    folder: Path
    _stack: ExitStack = field(default_factory=ExitStack)
    _arenas: dict[str, Arena] = field(default_factory=dict)
    _postgres: Postgres | None = None
    _maria: Maria | None = None
    _disks: dict[str, Disk] = field(default_factory=dict)

    def close(self) -> None:
        """Stop everything."""
        self._stack.close()

    @property
    def postgres(self) -> Postgres:
        """The PostgreSQL server."""
        if self._postgres is None:
            self._postgres = Postgres(self.folder / "pg")
            self._postgres.make()
            self._stack.callback(self._postgres.stop)
            self._postgres.start()
        return self._postgres

    @property
    def maria(self) -> Maria:
        """The MariaDB server."""
        if self._maria is None:
            self._maria = self._stack.enter_context(mariadb(SURVIVES_A_KILL, end_with_parent))
        return self._maria

    def disk(self, name: str, size_bytes: int) -> Disk:
        """A small disk."""
        if name not in self._disks:
            self._disks[name] = self._stack.enter_context(small_disk(self.folder / name, size_bytes))
        return self._disks[name]

    @property
    def postgres_disk(self) -> Disk:
        """The one that holds a tablespace."""
        if "disk" not in self._disks:
            disk = self.disk("disk", _DISK_BYTES)
            place = disk.folder / "space"
            place.mkdir()
            self.postgres.give(place)
            self.postgres.run(f"create tablespace {_TABLESPACE} location '{place}'")
            # Before the disk is taken away, the server has to be.
            self._stack.callback(self.postgres.stop)
        return self._disks["disk"]

    @property
    def sqlite_disk(self) -> Disk:
        """The one that holds the files."""
        return self.disk("files", _SQLITE_DISK_BYTES)

    def arena(self, name: str) -> Arena:
        """A project with a place for its databases, by name."""
        if name not in self._arenas:
            make_project, stock = self._plans()[name]
            self._arenas[name] = Arena(make_project(self.folder / "projects" / name), stock())
        return self._arenas[name]

    def _plans(self) -> dict[str, tuple[Callable[[Path], Tiny], Callable[[], Stock]]]:
        def server() -> Stock:
            return on_postgres(self.postgres)

        def files(**more: str) -> Callable[[], Stock]:
            return lambda: on_sqlite(self.folder / "files-of-trials", **more)

        def small() -> Stock:
            assert self.postgres_disk
            return on_postgres(self.postgres, _TABLESPACE)

        def maria() -> Stock:
            return on_mariadb(self.maria)

        return {
            "pg": (lambda path: projects.mixed(path, PATIENT, slow=True), server),
            "pg-short": (lambda path: projects.mixed(path, SHORT), server),
            "pg-disk": (lambda path: projects.mixed(path, PATIENT), small),
            "pg-wire": (lambda path: projects.mixed(path, PATIENT).settings(IMPATIENT_CONNECTIONS), server),
            "pg-index": (projects.concurrently, server),
            "pg-index-cautious": (lambda path: projects.concurrently(path, cautious=True), server),
            "pg-index-deaf": (lambda path: projects.concurrently(path, deaf=True), server),
            "pg-backfill": (projects.backfill, server),
            "sqlite-batch": (projects.batches, files()),
            "sqlite-triggers": (projects.triggers, files()),
            "sqlite-wal": (projects.batches, files(journal="wal")),
            "sqlite-short": (lambda path: projects.batches(path, SHORT), files()),
            "sqlite-disk": (projects.batches, lambda: on_sqlite(self.sqlite_disk.folder)),
            "sqlite-backfill": (projects.backfill, files()),
            "maria": (lambda path: projects.deciding(path, _MARIADB_LONG), maria),
            "maria-short": (lambda path: projects.deciding(path, _MARIADB_SHORT), maria),
        }
