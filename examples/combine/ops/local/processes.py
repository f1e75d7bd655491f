"""
The stack's processes, found by the folder that they work in.

There are no pid files to trust: both servers make a folder of the stack their working directory, so one that was killed is
simply not there, and one whose files were deleted is found all the same.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import psutil  # type: ignore[import-untyped]

HOST = "127.0.0.1"
Process: TypeAlias = psutil.Process


class StackError(Exception):
    """
    What went wrong, where, and one thing to do next.

    Args:
        what: lower case, without a period.
        where: a folder, file or port.
        hint: a command, or what to change.
    """

    def __init__(self, what: str, where: str = "", hint: str = "") -> None:
        super().__init__(what, where, hint)
        self.what, self.where, self.hint = what, where, hint


def processes_in(folder: Path, ours: Callable[[Process], bool]) -> list[Process]:
    """
    Return the live processes that work in `folder` and are `ours` (a shell may stand there as well), oldest first.

    A deleted folder counts as well: Linux adds " (deleted)" to its name.
    """
    names = {str(folder), f"{folder} (deleted)"}
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() in names and ours(process) and _alive(process):
                found.append(process)
        except (psutil.Error, OSError):  # gone meanwhile, or somebody else's
            continue
    return sorted(found, key=lambda process: (process.create_time(), process.pid))


def end(processes: list[Process], seconds: float = 5.0) -> None:
    """Wait at most `seconds` for these processes to end by themselves, then kill what is left and wait for that."""
    for process in _left(processes, seconds):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _left(processes, seconds)


def _left(processes: list[Process], seconds: float) -> list[Process]:
    # Not psutil's own wait: for it a dead process that nobody has buried yet is alive.
    give_up = time.monotonic() + seconds
    while left := [process for process in processes if _alive(process)]:
        if time.monotonic() > give_up:
            break
        time.sleep(0.01)
    return left


def _alive(process: Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def free_port(wanted: int = 0) -> int:
    """Return the wanted TCP port where nobody has it, else one that the system chooses."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            if os.name == "posix":  # as the servers do: a port that was closed a moment ago is free
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StackError("no TCP port is free", HOST, "end programs that listen on many ports")


def answers(port: int) -> bool:
    """Return whether somebody accepts connections on this port: a process that is stuck, or dying, does not count as running."""
    with suppress(OSError), socket.create_connection((HOST, port), timeout=5.0):
        return True
    return False


def last_line(log: Path) -> str:
    """Return the line of a server's log that tells most: the last one that says FATAL or Error, else the last one."""
    try:
        lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    except OSError:
        return "its log cannot be read"
    told = [line for line in lines if "FATAL: " in line or "rror: " in line]
    return (told or lines or ["its log is empty"])[-1]
