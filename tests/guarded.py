"""A PostgreSQL server as it is met in production: by TCP, with passwords and TLS; the tests' usual one trusts whoever reaches its socket."""

from __future__ import annotations

import itertools
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

import psycopg
from building import until
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from psycopg import sql

from lockgate.scratch import Server, temporary_server
from lockgate.secret import DatabaseUrl, Secret

_HBA = "local all postgres trust\nlocal all all scram-sha-256\n"
# What a client says before it logs in: PostgreSQL manual, 54.7 Message Formats.
_HEAD = 8  # bytes
_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
_GSS_REQUEST = (8).to_bytes(4, "big") + (80877104).to_bytes(4, "big")
_numbers = itertools.count(1)
# 127.0.0.1 as one number, which the resolver understands and nobody would take for this machine: a host as good as any other.
ELSEWHERE = "2130706433"


@dataclass(frozen=True)
class Guarded:
    """
    The running server.

    Args:
        port: on 127.0.0.1; TLS is offered, not demanded.
        root: certificate that the server's own is signed with: itself.
        wrong_root: a certificate that has nothing to do with it.
    """

    server: Server
    port: int
    root: Path
    wrong_root: Path

    def admin(self, database: str = "postgres") -> DatabaseUrl:
        """The superuser's way in, by the socket and without a password."""
        return self.server.url(database)

    def run(self, statement: str | sql.Composable, database: str = "postgres") -> None:
        """Run one statement as superuser."""
        with psycopg.connect(self.admin(database).render().reveal(), autocommit=True) as session:
            session.execute(statement)  # type: ignore[arg-type]

    def role(self, password: str) -> str:
        """Make a role that may log in with a password; its name."""
        name = f"app_{next(_numbers)}"
        self.run(sql.SQL("create role {} login password {}").format(sql.Identifier(name), sql.Literal(password)))
        return name

    def database(self, password: str) -> DatabaseUrl:
        """Make an empty database and the role that owns it; the role's URL."""
        role = self.role(password)
        self.run(sql.SQL("create database {} owner {}").format(sql.Identifier(role), sql.Identifier(role)))
        return self.url(role, password, role)

    def url(self, role: str, password: str, database: str) -> DatabaseUrl:
        """The URL of a role's way in by TCP."""
        return DatabaseUrl("postgresql", "", role, Secret(password), "localhost", self.port, database)


@contextmanager
def guarded_server() -> Iterator[Guarded]:
    """Start a server of one's own that asks for passwords, with a TCP port in front of it that offers TLS."""
    with temporary_server() as server:
        root, wrong = (certificate(server.folder / name) for name in ("root", "wrong"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(root, root.with_suffix(".key"))
        with _front(server, context) as port:
            guarded = Guarded(server, port, root, wrong)
            (server.folder / "pg_hba.conf").write_text(_HBA)
            guarded.run("select pg_reload_conf()")
            name = guarded.role("a password")
            until(lambda: _refuses(guarded.url(name, "another one", "postgres")), "the server asks for passwords")
            yield guarded


def _refuses(url: DatabaseUrl) -> bool:
    try:
        psycopg.connect(url.render().reveal()).close()
    except psycopg.OperationalError as error:
        return "password authentication failed" in str(error)
    return False


@contextmanager
def _front(server: Server, context: ssl.SSLContext) -> Iterator[int]:
    """
    Pass a TCP port on to the server's socket and end TLS here, as a cloud's proxy does: the embedded server is built without it.

    Yields:
        The port.
    """

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # a client that does not trust the certificate hangs up
                _serve(self.request, context, str(server.folder / f".s.PGSQL.{server.port}"))

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as front:
        front.daemon_threads = True
        threading.Thread(target=front.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield front.server_address[1]
        finally:
            front.shutdown()


def _serve(client: socket.socket, context: ssl.SSLContext, path: str) -> None:
    with socket.socket(socket.AF_UNIX) as backend:
        while (head := client.recv(_HEAD, socket.MSG_WAITALL)) in (_GSS_REQUEST, _SSL_REQUEST):
            client.sendall(b"S" if head == _SSL_REQUEST else b"N")
            if head == _SSL_REQUEST:
                client = context.wrap_socket(client, server_side=True)
                head = b""
                break
        backend.connect(path)
        backend.sendall(head)
        pump(client, backend)


def pump(client: socket.socket, backend: socket.socket) -> None:
    """Carry bytes both ways until one side ends; in one thread, because a TLS socket bears only one."""
    while True:
        waiting = isinstance(client, ssl.SSLSocket) and client.pending()
        ready = [client] if waiting else select.select([client, backend], [], [])[0]
        for side, other in ((client, backend), (backend, client)):
            if side in ready:
                data = side.recv(65536)
                if not data:
                    return
                other.sendall(data)


@contextmanager
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses every connection while the block runs: bound, and nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def certificate(path: Path) -> Path:
    """Write a certificate for `localhost` that signs itself, and its key beside it; the certificate's file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.DNSName(ELSEWHERE)])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - timedelta(1), now + timedelta(1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.with_suffix(".crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.with_suffix(".key").write_bytes(key.private_bytes(*encoding))
    return path.with_suffix(".crt")
