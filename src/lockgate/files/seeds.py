"""Seed files: found, measured, hashed and read in blocks, so that their size does not matter."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from io import BufferedReader
from pathlib import Path

from lockgate.errors import UsageError
from lockgate.records import dataclass

_BLOCK = 1 << 18  # bytes; larger ones are not faster


@dataclass(frozen=True)
class SeedFile:
    """
    A file of rows on disk.

    Args:
        name: below the project's folder, with forward slashes.
        size: bytes on disk, packed where it is packed.
    """

    path: Path
    name: str
    size: int

    def blocks(self, told: Callable[[int], None] = lambda read: None) -> Iterator[bytes]:
        """
        Read the content in blocks, unpacked where the name ends in `.gz`.

        Args:
            told: called with the number of bytes read from disk so far.
        Raises:
            UsageError: `seed-file`: it is damaged, or may not be read.
        """
        with self._opened() as raw, gzip.GzipFile(fileobj=raw) if self.name.lower().endswith(".gz") else nullcontext(raw) as source:
            while block := self._read(source):
                told(raw.tell())
                yield block

    def _opened(self) -> BufferedReader:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise self._wrong(f"the file cannot be read: {error.strerror}", "check its permissions") from error

    def _read(self, source: BufferedReader | gzip.GzipFile) -> bytes:
        try:
            return source.read(_BLOCK)
        except (gzip.BadGzipFile, zlib.error) as error:
            raise self._wrong("the file is not packed by gzip, or is damaged", "pack it again, or take `.gz` out of its name") from error
        except EOFError as error:
            raise self._wrong("the packed file ends too early", "it was not copied whole: fetch or pack it again") from error

    def _wrong(self, what: str, hint: str) -> UsageError:
        return UsageError("seed-file", what, self.name, hint)

    def digest(self) -> str:
        """Return the SHA-256 of the file as it lies on disk."""
        with self._opened() as raw:
            return hashlib.file_digest(raw, "sha256").hexdigest()


def seed_files(folder: Path, pattern: str, where: str) -> tuple[SeedFile, ...]:
    """
    Find the files of a seed, sorted by name.

    Args:
        pattern: path or glob below `folder`.
        where: the seed's place in the settings.
    Raises:
        UsageError: `seed-missing-file` where there is none; `seed-invalid` for one that leads out of the project.
    """
    paths = sorted(folder.glob(pattern)) if any(mark in pattern for mark in "*?[") else [folder / pattern]
    found = []
    for path in paths:
        if not path.is_file():
            continue
        if not path.resolve().is_relative_to(folder.resolve()):
            raise UsageError(
                "seed-invalid", f"`{pattern}` leads out of the project, to a file elsewhere", where, "copy the file into the project"
            )
        found.append(SeedFile(path, path.relative_to(folder).as_posix(), path.stat().st_size))
    if not found:
        raise UsageError(
            "seed-missing-file", f"there is no file `{pattern}`", where, "write the path below the project's folder, or take the seed out"
        )
    return tuple(found)


def seed_file(path: Path) -> SeedFile:
    """
    Return a file that was named by hand, wherever it lies.

    Raises:
        UsageError: `seed-missing-file`.
    """
    if not path.is_file():
        raise UsageError("seed-missing-file", f"there is no file `{path.name}`", str(path), "check the path; a relative one starts here")
    return SeedFile(path, path.as_posix(), path.stat().st_size)
