"""
Embedded servers that were stopped and are kept, so that others begin as they ended.

The whole data folder is kept, because roles, settings and whatever else is the server's and no database's belong to what was done on it.
One file each: it appears and goes at once, and whoever reads it is not disturbed where another process removes it.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tarfile
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lockgate.scratch.dump import client_programs

_AT_MOST = 3
_LONGEST_WRITE_S = 3600.0
_ENDING = ".tar"
_SEAL = 64  # hexadecimal digits of SHA-256, and a line's end; what they are of follows: a line of the caller's, and an archive
# Who used the server, what it was told and what it complained of; the next one writes its own.
_LEFT_OUT = frozenset({"log", ".handle_pids.json", "postmaster.opts", "postmaster.pid"})
_SEGMENT = re.compile(r"\./pg_wal/[0-9A-F]{24}")


@dataclass(frozen=True)
class Kept:
    """
    One that is kept.

    Args:
        note: what its maker wrote about it, one line.
    """

    path: Path
    note: str

    def unpack(self, data: Path) -> None:
        """Fill an empty data folder; OSError where a byte is not as it was written, or there is no room."""
        with self.path.open("rb") as file:
            seal = file.readline().decode(errors="replace").strip()
            if hashlib.file_digest(file, "sha256").hexdigest() != seal:
                raise OSError(f"{self.path} is damaged")
            file.seek(_SEAL + 1)
            file.readline()
            try:
                with tarfile.open(fileobj=file, mode="r:") as archive:
                    archive.extraction_filter = lambda member, _: member  # owners and rights as they were: it is our own archive
                    archive.extractall(data, numeric_owner=True)
            except tarfile.TarError as error:
                raise OSError(str(error)) from error
        with suppress(OSError):
            os.utime(self.path)

    def discard(self) -> None:
        """Remove it."""
        with suppress(OSError):
            self.path.unlink()


def all_kept(folder: Path) -> Sequence[Kept]:
    """Find those in a folder, the one last used first; none in a folder that others may write to."""
    found = []
    with suppress(OSError):
        state = folder.stat()
        if state.st_uid == os.geteuid() and not state.st_mode & 0o022:
            for path in sorted(folder.glob(f"*{_ENDING}"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
                with path.open("rb") as file:
                    file.seek(_SEAL + 1)
                    found.append(Kept(path, file.readline().decode(errors="replace").strip()))
    return found


def has_room(folder: Path) -> bool:
    """Whether something can be kept in a folder, which is made where it is missing, for this user alone."""
    try:
        for each in (folder.parent, folder):
            each.mkdir(mode=0o700, exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
    except OSError:
        return False
    return True


def keep(folder: Path, note: str, data: Path) -> None:
    """
    Keep the data folder of a stopped server, and remove the ones not used for longest; nothing happens where that cannot be done.

    Args:
        folder: where; see `has_room`.
        note: one line. Of two with the same one the later stays.
    """
    with suppress(OSError):
        segment = _last_segment(data)
        if not segment or any((data / "pg_tblspc").iterdir()):
            return  # it was not shut down in good order, or has files elsewhere that a copy would share
        part = folder / f"{uuid.uuid4().hex}.part"
        try:
            _write(part, note, data, f"./pg_wal/{segment}")
            part.replace(folder / f"{hashlib.sha256(note.encode()).hexdigest()[:16]}{_ENDING}")
        finally:
            part.unlink(missing_ok=True)
        _tidy(folder)


def _tidy(folder: Path) -> None:
    for old in all_kept(folder)[_AT_MOST:]:
        old.discard()
    for part in folder.glob("*.part"):
        if time.time() - part.stat().st_mtime > _LONGEST_WRITE_S:
            part.unlink()  # whoever wrote it was killed


def _write(path: Path, note: str, data: Path, segment: str) -> None:
    def wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        unneeded = _SEGMENT.fullmatch(member.name) and member.name != segment
        return None if unneeded or member.name.removeprefix("./") in _LEFT_OUT else member

    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
        file.write(b"0" * _SEAL + b"\n" + note.encode() + b"\n")
        with tarfile.open(fileobj=file, mode="w:", format=tarfile.GNU_FORMAT) as archive:
            archive.add(data, arcname=".", filter=wanted)
        file.seek(_SEAL + 1)
        seal = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        file.write(seal.encode())


def _last_segment(data: Path) -> str:
    """Name the one file of the WAL that a server needs which was shut down in good order; empty for any other."""
    program = str(client_programs() / "pg_controldata")
    done = subprocess.run([program, str(data)], capture_output=True, text=True, check=False, env={"LC_ALL": "C"})
    told = {name: value.strip() for name, _, value in (line.partition(":") for line in done.stdout.splitlines())}
    return told.get("Latest checkpoint's REDO WAL file", "") if told.get("Database cluster state") == "shut down" else ""
