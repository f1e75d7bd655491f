"""Secrets Manager on this machine; moto keeps the secrets in its memory, so each start is an empty one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ops.local.processes import Process, StackError, answers, end, free_port, last_line, processes_in

_SCRIPT = Path(__file__).with_name("moto_server.py")
_TRIES = 4  # another program can take a port between our look and the server's


class SecretsManager:
    """
    One server; every method can be called at any time, in any state.

    Args:
        folder: absolute, exists; holds the log `secrets.log`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "secrets.log"

    def port(self) -> int | None:
        """Return the port of the running server, or None."""
        ports = [int(process.cmdline()[-1]) for process in self._processes()]
        return next((port for port in ports if answers(port)), None)

    def start(self, wanted_port: int = 0) -> int:
        """
        Start the server where it is not running, on a free port (the wanted one where nobody has it), and return the port.

        Raises:
            StackError: with the server's own reason.
        """
        running = self.port()
        if running:
            return running
        self.stop()  # one that does not answer
        for _ in range(_TRIES):
            port = free_port(wanted_port)
            if self._launch(port):
                return port
            wanted_port = 0
        raise StackError(f"moto's server did not start: {last_line(self.log)}", str(self.folder), f"tail -n 20 '{self.log}'")

    def stop(self) -> None:
        """Stop the server, and forget the secrets with it."""
        running = self._processes()
        for process in running:
            process.terminate()
        end(running)

    def _processes(self) -> list[Process]:
        return processes_in(self.folder, lambda process: process.cmdline()[1:2] == [str(_SCRIPT)])

    def _launch(self, port: int) -> bool:
        command = [sys.executable, str(_SCRIPT), str(port)]
        with self.log.open("ab") as log:
            started = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, cwd=self.folder, check=False)
        return started.stdout == b"ready\n"
