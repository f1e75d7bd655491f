"""
TLS for the embedded client programs, which are built without it: a socket that this user alone can reach, carried on to the server.

Who answers is checked as libpq checks it (PostgreSQL manual, 32.19); psycopg has been let in on the same terms just before.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

# PostgreSQL manual, 54.7 Message Formats.
_ASKS_FOR_TLS = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
PORT = "5432"  # part of the socket's name, and nothing else
_TIMEOUT_S = 10.0
_AT_ONCE = 1 << 16  # bytes


@contextmanager
def relayed(options: Mapping[str, str]) -> Iterator[str]:
    """
    Carry one connection of a client program, without TLS, on to a server with it.

    Args:
        options: libpq's, for one server: `host`, `hostaddr` (may be empty), `port`, and those that begin with `ssl`.
    Returns:
        The folder of the socket, as libpq's `host`; its `port` is `PORT`.
    Raises:
        OSError: the server cannot be reached, or is not the one that it should be.
    """
    with (
        tempfile.TemporaryDirectory(prefix="lockgate-") as folder,
        _encrypted(options) as far,
        socket.socket(socket.AF_UNIX) as door,
    ):
        door.bind(f"{folder}/.s.PGSQL.{PORT}")
        door.listen(1)
        carrier = threading.Thread(target=_carry, args=(door, far), name="lockgate-relay", daemon=True)
        carrier.start()
        try:
            yield folder
        finally:
            with suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)  # nobody came, and nobody will
            carrier.join()


def _encrypted(options: Mapping[str, str]) -> ssl.SSLSocket:
    context = _context(options)
    plain = socket.create_connection((options.get("hostaddr") or options["host"], int(options["port"])), _TIMEOUT_S)
    try:
        if options.get("sslnegotiation") != "direct":
            plain.sendall(_ASKS_FOR_TLS)
            if plain.recv(1) != b"S":
                raise OSError("the server offers no TLS")
        far = context.wrap_socket(plain, server_hostname=options["host"])
        far.setblocking(True)
        return far
    except BaseException:
        plain.close()
        raise


def _context(options: Mapping[str, str]) -> ssl.SSLContext:
    mode, root = options.get("sslmode", ""), _file(options, "sslrootcert", "root.crt")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["postgresql"])
    context.check_hostname = mode == "verify-full"
    if root == "system":
        context.load_default_certs()
    elif root:
        context.load_verify_locations(root)
    elif not mode.startswith("verify-"):
        context.verify_mode = ssl.CERT_NONE
    revoked, folder = _file(options, "sslcrl", "root.crl"), options.get("sslcrldir")
    if context.verify_mode != ssl.CERT_NONE and (revoked or folder):
        context.load_verify_locations(revoked or None, folder or None)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    if lowest := options.get("ssl_min_protocol_version"):
        context.minimum_version = ssl.TLSVersion[lowest.replace(".", "_")]
    certificate = _file(options, "sslcert", "postgresql.crt")
    if certificate and options.get("sslcertmode") != "disable":
        key = _file(options, "sslkey", "postgresql.key")
        context.load_cert_chain(certificate, key or None, options.get("sslpassword", ""))
    return context


def _file(options: Mapping[str, str], name: str, default: str) -> str:
    """The file that an option names, or libpq's own where there is one."""
    own = os.path.join(os.path.expanduser("~"), ".postgresql", default)
    return options.get(name) or (own if os.path.exists(own) else "")


def _carry(door: socket.socket, far: ssl.SSLSocket) -> None:
    with suppress(OSError):  # nobody came, or one side hung up, which the program tells
        near, _ = door.accept()
        with near, far:
            while _handed_over(near, far):
                pass


def _handed_over(near: socket.socket, far: ssl.SSLSocket) -> bool:
    """Wait for what one side says and tell the other; return False where it has ended."""
    ready = [far] if far.pending() else select.select([near, far], [], [])[0]
    if near in ready:
        said = near.recv(_AT_ONCE)
        far.sendall(said)
        return bool(said)
    far.setblocking(False)
    try:
        said = far.recv(_AT_ONCE)
    except ssl.SSLWantReadError:
        return True  # half a record, or one that is TLS' own: to wait for the rest would keep the program from speaking
    finally:
        far.setblocking(True)
    near.sendall(said)
    return bool(said)
