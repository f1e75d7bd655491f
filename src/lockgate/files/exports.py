"""Files that appear as a whole or not at all: written under another name, and renamed when all of them are done."""

from __future__ import annotations

import gzip
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Protocol

from lockgate.errors import UsageError

_BUFFER = 1 << 18  # bytes
_LEVEL = 6  # of compression, as gzip itself has it; Python's own default is 9


def refuse_existing(paths: Iterable[Path], overwrite: bool) -> None:
    """UsageError `file-exists` where one of the files is there already and may not be replaced; a folder never may."""
    for path in paths:
        if path.is_dir() or (os.path.lexists(path) and not overwrite):
            hint = "run it again with `--overwrite` to replace it, or choose another folder"
            raise UsageError("file-exists", f"`{path.name}` is already there; it is left as it is", str(path), hint)


def inside(folder: Path, path: Path) -> str | None:
    """Return the path below `folder`, with forward slashes; None where it leads elsewhere."""
    real, root = path.resolve(), folder.resolve()
    return real.relative_to(root).as_posix() if real.is_relative_to(root) else None


class Writable(Protocol):
    """What takes bytes."""

    def write(self, data: bytes, /) -> int:
        """Take them."""


class Drafts:
    """Files under way. Their names begin with `.` and end in `.part`, so that no pattern of a seed takes one for a file."""

    def __init__(self) -> None:
        self._drafts: dict[Path, Path] = {}
        self._made: list[Path] = []

    @contextmanager
    def new(self, path: Path) -> Iterator[Writable]:
        """
        Open a file for writing; packed where its name ends in `.gz`, the same bytes for the same content.

        Raises:
            UsageError: `usage` where it cannot be written.
        """
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        with _told(path):
            self._make(path.parent)
            self._drafts[path] = draft
            with draft.open("xb", buffering=_BUFFER) as raw:
                with gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) if path.name.endswith(".gz") else nullcontext(raw) as file:
                    yield file
                raw.flush()
                os.fsync(raw.fileno())

    def size(self, path: Path) -> int:
        """Return the bytes on disk of a file that was written."""
        return self._drafts[path].stat().st_size

    def publish(self, overwrite: bool) -> None:
        """Give all files their names; UsageError `file-exists` where one came into being meanwhile."""
        refuse_existing(self._drafts, overwrite)
        for path, draft in self._drafts.items():
            with _told(path):
                os.replace(draft, path)
        self._drafts.clear()
        self._made.clear()

    def discard(self) -> None:
        """Remove what was not published, folders made for it included."""
        for draft in self._drafts.values():
            draft.unlink(missing_ok=True)
        for folder in self._made:
            with suppress(OSError):
                folder.rmdir()

    def _make(self, folder: Path) -> None:
        missing = [folder] if not folder.exists() else []
        while missing and not missing[-1].parent.exists():
            missing.append(missing[-1].parent)
        folder.mkdir(parents=True, exist_ok=True)
        self._made += missing


@contextmanager
def drafts(overwrite: bool) -> Iterator[Drafts]:
    """Write files in the block; they appear at its end, and not at all where it fails."""
    files = Drafts()
    try:
        yield files
        files.publish(overwrite)
    finally:
        files.discard()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"`{path.name}` cannot be written: {error.strerror or error}"
        raise UsageError("usage", what, str(path), f"ls -ld {path.parent}") from error
