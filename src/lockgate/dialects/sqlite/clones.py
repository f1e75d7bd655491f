"""Databases of our own as SQLite files in one folder."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from lockgate.dialects.clones import PREFIX, Recycler, check_ours
from lockgate.dialects.sqlite.locks import SideFileLock
from lockgate.errors import Bug
from lockgate.secret import DatabaseUrl

_ENDING = ".db"
_LOCK = ".lockgate-lock"
_SEALED = 0o400
_BESIDE = ("-wal", "-shm", "-journal", _LOCK)


class SqliteClones:
    """See `Clones`; `server` names the folder as its database."""

    strategies: Sequence[str] = ("",)

    def __init__(self, server: DatabaseUrl) -> None:
        self._server = server
        self._folder = Path(server.database)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._locks: dict[str, SideFileLock] = {}
        self.product = f"SQLite {sqlite3.sqlite_version}"

    def url(self, name: str) -> DatabaseUrl:
        return replace(self._server, database=self._path(name))

    def family(self, kind: str) -> str:
        return f"{PREFIX}{kind}_"  # databases and locks are files of one folder

    def names(self, prefix: str) -> Sequence[str]:
        with os.scandir(self._folder) as found:
            files = [entry for entry in found if entry.name.startswith(prefix) and entry.name.endswith(_ENDING)]
            return [entry.name.removesuffix(_ENDING) for entry in sorted(files, key=lambda entry: entry.stat().st_mtime_ns)]

    def create(self, name: str) -> None:
        Path(self._path(check_ours(name))).touch(mode=0o600)

    def clone(self, template: str, name: str, strategy: str = "") -> str:
        source, copy = self._path(check_ours(template)), self._path(check_ours(name))
        if _is_still(source):
            shutil.copyfile(source, copy)
            return ""
        with closing(sqlite3.connect(f"file:{quote(source)}?mode=ro", uri=True)) as other, closing(sqlite3.connect(copy)) as target:
            target.execute("pragma synchronous = off")  # a copy that a power cut damages is not missed
            other.backup(target)
        return ""

    def rename(self, name: str, new: str) -> None:
        os.replace(self._path(check_ours(name)), self._path(check_ours(new)))
        self.drop(name)  # what lay beside it

    def seal(self, name: str) -> None:
        os.chmod(self._path(check_ours(name)), _SEALED)

    def note(self, name: str, text: str) -> None:
        """A file has no note beside it."""

    def noted(self, name: str) -> str:
        return ""

    def picture(self, name: str) -> str:
        return ""  # a new copy is cheaper than any proof

    def recycler(self, name: str, since: str, picture: str) -> Recycler:
        raise Bug("internal", "SQLite files are copied, not recycled", name)

    def commons(self) -> str:
        return ""

    def restore_commons(self, before: str) -> None:
        """Files share nothing."""

    def configure(self, name: str, settings: Mapping[str, str]) -> None:
        """A file has no settings that its connections begin with."""

    def in_use(self, name: str) -> bool:
        return False

    def drop(self, name: str) -> None:
        path = self._path(check_ours(name))
        for ending in ("", *_BESIDE):
            with suppress(FileNotFoundError):
                os.unlink(path + ending)

    def hold(self, word: str, *, shared: bool = False) -> bool:
        if shared:
            return True  # who copies a file that is gone finds out at once
        lock = SideFileLock(str(self._folder / word), word)
        if not lock.take():
            return False
        self._locks[word] = lock
        return True

    def let_go(self, word: str, *, shared: bool = False, forever: bool = False) -> None:
        if not shared:
            self._locks.pop(word).release()
        if forever:
            (self._folder / f"{word}{_LOCK}").unlink(missing_ok=True)

    def close(self) -> None:
        while self._locks:
            self._locks.popitem()[1].release()

    def _path(self, name: str) -> str:
        return f"{self._folder}{os.sep}{name}{_ENDING}"


def _is_still(path: str) -> bool:
    """Whether nobody writes to this file any more and nothing of it lies beside it: then its bytes are the database."""
    sealed = stat.S_IMODE(os.stat(path).st_mode) == _SEALED
    return sealed and not any(os.path.exists(path + ending) for ending in ("-wal", "-journal"))
