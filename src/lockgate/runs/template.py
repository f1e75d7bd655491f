"""
Templates: one migrated database for each history, kept between test sessions and copied for every test.

A template is built under another name and gets its own when it is complete, so a half-built one is never copied; a lock on
its name lets one process build while others wait.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from lockgate.dialects.clones import Clones
from lockgate.errors import Busy, LockgateError
from lockgate.files.digest import history_digest
from lockgate.registry.tables import VERSION
from lockgate.runs.from_schema import fresh
from lockgate.runs.scratch_database import ScratchDatabase, make, scratch_of
from lockgate.runs.seed_files import named
from lockgate.settings.project import Environment, Project
from lockgate.words import SCRATCH

_KIND = "template"
_KEPT = 12  # templates of one project: some branches, with and without seeds
_LONGEST_BUILD_S = 1800.0


@dataclass(frozen=True)
class Template:
    """
    What a template is made of.

    Args:
        name: of the database; the same for the same history, seeds, server version and project.
        seeds: names of the seeds in it, sorted.
    """

    project: Project
    like: Environment
    name: str
    seeds: tuple[str, ...]

    def copy(self, clones: Clones, name: str) -> ScratchDatabase:
        """Describe a copy of it."""
        return scratch_of(self.project, clones, name, self.like)


def template_of(project: Project, like: Environment, seeds: Sequence[str], clones: Clones, run: str) -> Template:
    """
    Name the template of a project as its files are now.

    Args:
        clones: the server, whose version is part of the name.
        run: makes the name unique where the history cannot be hashed.
    Raises:
        UsageError: `unknown-seed`, `seed-missing-file`.
    """
    names = tuple(sorted(set(seeds)))
    digest = history_digest(project, named(project, names))
    key = _short(digest or run, clones.product, str(VERSION), *names)
    return Template(project, like, f"{clones.family(_KIND)}{_short(project.name or str(project.folder))[:8]}_{key}", names)


def provide(template: Template, clones: Clones, new_name: Callable[[], str]) -> None:
    """
    Build a template where it is missing, or wait for whoever builds it; afterwards it is held until the connection ends.

    Args:
        new_name: a name for a scratch database of this run.
    Raises:
        LockgateError: the project's revisions or seeds fail.
        Busy: somebody else builds it, and does not come to an end.
    """
    word = template.name
    if not _there(template, clones):
        with _held(clones, word):
            if not _there(template, clones):
                _build(template, clones, new_name)
                _forget_old(template, clones)
    for _ in _patience(word):
        if clones.hold(word, shared=True):
            return


def _there(template: Template, clones: Clones) -> bool:
    return template.name in clones.names(template.name)


def _build(template: Template, clones: Clones, new_name: Callable[[], str]) -> None:
    name = new_name()
    try:
        if template.seeds:
            base = template_of(template.project, template.like, (), clones, new_name())
            provide(base, clones, new_name)
            clones.clone(base.name, name)
            template.copy(clones, name).seed(*template.seeds)
        else:
            _migrate(make(template.project, clones, name, template.like))
        picture = clones.picture(name)
        clones.rename(name, template.name)
        clones.note(template.name, json.dumps({"picture": picture}))
        clones.seal(template.name)
    except BaseException:
        clones.drop(name)
        raise


def _migrate(made: ScratchDatabase) -> None:
    """Load the project's schema file where it has a fresh one, else run the revisions."""
    if fresh(made.project, made.url.backend):
        try:
            made.upgrade("heads", from_schema="")
            return
        except LockgateError as error:
            if error.code != "bootstrap-failed":  # a server older than the file's; the database is as it was
                raise
    made.upgrade("heads")


def _forget_old(template: Template, clones: Clones) -> None:
    """Drop the oldest templates of the project that no living session holds."""
    family = template.name.rpartition("_")[0]
    for name in clones.names(f"{family}_")[:-_KEPT]:
        if clones.hold(name):
            clones.drop(name)
            clones.let_go(name)


@contextmanager
def _held(clones: Clones, word: str) -> Iterator[None]:
    for _ in _patience(word):
        if clones.hold(word):
            break
    try:
        yield
    finally:
        clones.let_go(word)


def _patience(word: str) -> Iterator[None]:
    """Yield until the caller leaves the loop; another process builds meanwhile."""
    give_up = time.monotonic() + _LONGEST_BUILD_S
    while time.monotonic() < give_up:
        yield
        time.sleep(0.05)
    raise Busy("busy", f"another process builds `{word}` and does not come to an end", SCRATCH, "end it, or wait for it")


def _short(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:16]
