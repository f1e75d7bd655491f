"""A throw-away MariaDB server for one test process: Debian's own binaries, a Unix socket, a temporary folder, no TCP port."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pymysql
from building import pymysql_connection, until
from guarded import ELSEWHERE, certificate, pump

from lockgate.secret import DatabaseUrl

MISSING = "MariaDB: not run, its server is not installed here (Debian: make mariadb, or apt-get install mariadb-server-core mariadb-client-core)"
_ALWAYS = ("--skip-networking", "--skip-log-bin", "--character-set-server=utf8mb4", "--innodb-fast-shutdown=2", "--local-infile=1", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M", "--key-buffer-size=1M", "--aria-pagecache-buffer-size=1M")
CARELESS = ("--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--skip-sync-frm", "--innodb-doublewrite=0")
# What was committed survives the server's own end, though not that of the machine.
SURVIVES_A_KILL = ("--innodb-flush-log-at-trx-commit=2", "--innodb-flush-method=nosync", "--skip-sync-frm")


def is_installed() -> bool:
    """Whether the server's programs are here."""
    return bool(shutil.which("mariadbd") and shutil.which("mariadb-install-db"))


@dataclass
class Maria:
    """
    The server.

    Args:
        options: beside those that every one of them has.
        before: called in the new process before the server's program.
        root: certificate that the server's own is signed with: itself.
        wrong_root: a certificate that has nothing to do with it.
    """

    folder: Path
    options: tuple[str, ...]
    root: Path
    wrong_root: Path
    before: Callable[[], object] | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        data, folder = self.folder / "data", self.folder
        # Of its own: a server that starts removes what it finds of temporary tables there, also those of another one.
        (folder / "tmp").mkdir(exist_ok=True)
        paths = [f"--datadir={data}", f"--tmpdir={folder / 'tmp'}", f"--socket={self.socket}", f"--pid-file={folder / 'pid'}", f"--log-error={folder / 'log'}"]
        paths += [f"--ssl-cert={self.root}", f"--ssl-key={self.root.with_suffix('.key')}"]
        command = ["mariadbd", "--no-defaults", f"--user={getpass.getuser()}", *paths, *_ALWAYS, *self.options]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, preexec_fn=self.before)
        until(lambda: _answers(self), "the MariaDB server answers", self.process, seconds=150)

    def kill(self) -> None:
        """End it like the kernel does: nothing is tidied up or written to disk."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    @property
    def socket(self) -> str:
        """Path of its socket."""
        return str(self.folder / "socket")

    def url(self, database: str) -> DatabaseUrl:
        """The superuser's way in."""
        return DatabaseUrl("mysql", "pymysql", "root", database=database, query={"unix_socket": self.socket})

    @contextmanager
    def elsewhere(self) -> Iterator[tuple[str, int]]:
        """A host that is not taken for this machine, and a port of it that leads to the server's socket while the block runs."""
        path = self.socket

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError), socket.socket(socket.AF_UNIX) as backend:
                    backend.connect(path)
                    pump(self.request, backend)

        with ThreadingTCPServer(("127.0.0.1", 0), Handler) as front:
            front.daemon_threads = True
            threading.Thread(target=front.serve_forever, args=(0.05,), daemon=True).start()
            try:
                yield ELSEWHERE, front.server_address[1]
            finally:
                front.shutdown()

    def run(self, sql: str) -> list[tuple[object, ...]]:
        """Run one statement as superuser."""
        with closing(pymysql_connection(self.url("mysql"))) as session, session.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def drop(self, database: str) -> None:
        """Drop a database, after ending the sessions in it: they would keep it."""
        for (number,) in self.run(f"select id from information_schema.processlist where db = '{database}'"):
            with suppress(pymysql.err.OperationalError):  # it has ended by itself
                self.run(f"kill {number}")
        self.run(f"drop database if exists {database}")


@contextmanager
def mariadb(options: tuple[str, ...] = CARELESS, before: Callable[[], object] | None = None) -> Iterator[Maria]:
    """Start a server of one's own; it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="lockgate-maria-") as name:
        folder = Path(name)
        install = ["mariadb-install-db", "--no-defaults", f"--datadir={folder / 'data'}", f"--user={getpass.getuser()}"]
        install += ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        (folder / "tmp").mkdir()
        # See `start`: what it does in the common folder for temporary files may be removed by another one that starts.
        subprocess.run(install, check=True, capture_output=True, timeout=120, env={**os.environ, "TMPDIR": str(folder / "tmp")})
        root, wrong = (certificate(folder / name) for name in ("root", "wrong"))
        server = Maria(folder, options, root, wrong, before)
        try:
            server.start()
            yield server
        finally:
            if server.process is not None:
                server.process.terminate()
                server.process.wait(timeout=60)


def _answers(server: Maria) -> bool:
    try:
        return server.run("select 1") == [(1,)]
    except pymysql.err.OperationalError:
        return False
