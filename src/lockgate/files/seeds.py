"""Seed files: found, measured, hashed and read in blocks, so that their size does not matter."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from lockgate.errors import UsageError

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
        """
        with self.path.open("rb") as raw, gzip.GzipFile(fileobj=raw) if self.name.endswith(".gz") else nullcontext(raw) as source:
            while block := source.read(_BLOCK):
                told(raw.tell())
                yield block

    def digest(self) -> str:
        """Return the SHA-256 of the file as it lies on disk."""
        with self.path.open("rb") as raw:
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
