"""
One host for many test processes: the process that started them owns the databases and answers on a Unix socket.

One line of JSON each way. A connection lives as long as its process: where it ends, whatever that process held is dropped, so a
killed one leaves nothing. Nothing but the standard library is loaded until somebody asks for a database.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lockgate.runs.host import LocalHost
    from lockgate.runs.scratch_server import ScratchServer
    from lockgate.settings.project import Project

_LONGEST_PATH = 100  # bytes; a Unix socket's path ends at 104 on macOS, at 108 on Linux
_SHORT = "/tmp"


class HostService:
    """
    Listens from the moment it is made.

    Args:
        workers: number of processes that may ask.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._hosts: dict[str, LocalHost] = {}
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        folder = tempfile.mkdtemp(prefix="lockgate-")
        if len(os.fsencode(folder)) + 2 > _LONGEST_PATH:
            os.rmdir(folder)
            folder = tempfile.mkdtemp(prefix="lockgate-", dir=_SHORT)
        self._folder = Path(folder)
        self.address = str(self._folder / "s")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(self.address)
        self._socket.listen(64)
        self._listener = threading.Thread(target=self._listen, name="lockgate-host", daemon=True)
        self._listener.start()

    @property
    def spared(self) -> tuple[str, ...]:
        """See `Host`; of all hosts."""
        return tuple(name for host in self._hosts.values() for name in host.spared)

    def close(self) -> None:
        """Stop listening and drop what is left."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._socket.close()
        self._listener.join()  # from here on every thread in the list has been started, and none is added
        for thread in self._threads:
            thread.join(timeout=10)
        for host in self._hosts.values():
            host.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), name="lockgate-host-worker", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        from lockgate.errors import LockgateError

        held: dict[str, LocalHost] = {}
        with contextlib.suppress(OSError), connection, connection.makefile("rw", encoding="utf-8") as lines:
            for line in lines:
                lines.write(json.dumps(self._answer(json.loads(line), held)) + "\n")
                lines.flush()
        for name, host in held.items():
            with contextlib.suppress(LockgateError):  # nobody is left to be told
                host.give(name, drop=True)

    def _answer(self, asked: dict[str, Any], held: dict[str, LocalHost]) -> dict[str, Any]:
        from lockgate.errors import LockgateError

        try:
            return {"answer": self._do(asked, held)}
        except LockgateError as error:
            return {"error": list(error.args)}

    def _do(self, asked: dict[str, Any], held: dict[str, LocalHost]) -> Any:
        host = self._host(asked)
        if asked["do"] == "open":
            return {"url": host.server.url.render().reveal(), "label": host.server.label}
        if asked["do"] == "name":
            return host.new_name()
        if asked["do"] == "take":
            name = host.take(asked["template"])
            held[name] = host
            return name
        held.pop(asked["name"], None)
        return host.give(asked["name"], drop=asked["drop"]) if asked["do"] == "give" else host.keep(asked["name"])

    def _host(self, asked: dict[str, Any]) -> LocalHost:
        from lockgate.files import load_project
        from lockgate.runs.host import LocalHost

        with self._lock:
            key = f"{asked['project']} {asked['url']}"
            if key not in self._hosts:
                project = load_project(Path(asked["project"]))
                self._hosts[key] = LocalHost(_server(project, asked), project, spare=1 + self._workers // 2, keeps=asked["stays"])
            return self._hosts[key]


class RemoteHost:
    """
    A host in another process, which tells itself what it has spared.

    Args:
        address: path of its socket.
        url: of the server to use; empty for the project's embedded one.
    """

    spared: tuple[str, ...] = ()

    def __init__(self, address: str, project: Project, url: str, label: str, *, stays: bool) -> None:
        from lockgate.runs.scratch_server import ScratchServer
        from lockgate.secret import parse_url

        self._about = {"project": str(project.folder), "url": url, "label": label, "stays": stays}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(address)
        self._lines = self._socket.makefile("rw", encoding="utf-8")
        opened = self._ask(do="open")
        self.server = ScratchServer(parse_url(opened["url"]), opened["label"])

    def new_name(self) -> str:
        return str(self._ask(do="name"))

    def take(self, template: str) -> str:
        return str(self._ask(do="take", template=template))

    def give(self, name: str, *, drop: bool = False) -> None:
        self._ask(do="give", name=name, drop=drop)

    def keep(self, name: str) -> None:
        self._ask(do="keep", name=name)

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def _ask(self, **asked: Any) -> Any:
        from lockgate.errors import CODES

        self._lines.write(json.dumps({**self._about, **asked}) + "\n")
        self._lines.flush()
        answer = json.loads(self._lines.readline() or '{"error": ["internal", "the process that owns the databases is gone"]}')
        if "error" in answer:
            raise CODES[answer["error"][0]](*answer["error"])
        return answer["answer"]


def _server(project: Project, asked: dict[str, Any]) -> ScratchServer:
    from lockgate.runs.scratch_server import ScratchServer, embedded_in
    from lockgate.secret import parse_url

    if asked["url"]:
        return ScratchServer(parse_url(asked["url"]), asked["label"])
    return embedded_in(project.folder, stays=asked["stays"])
