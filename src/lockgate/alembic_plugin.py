"""
Entry point of plain `alembic` (group `alembic.plugins`): the gate stands wherever lockgate is installed.

Only the standard library is imported here: every `import alembic` in the environment loads this module. `setup()` runs while
Alembic is half imported, so it hooks the one call that comes before every env.py and loads the rest then.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any


class _MadeUp(str):
    """A revision id that Alembic made up, because nobody gave one."""

    __slots__ = ()


class _Plugin(ModuleType):
    """Alembic up to 1.20.0 iterates over what an entry point loads, later versions want the module itself."""

    def __iter__(self) -> Iterator[ModuleType]:
        yield self


sys.modules[__name__].__class__ = _Plugin


def setup(plugin: object) -> None:
    """
    Hook into Alembic; called once by `import alembic`.

    `ModuleClsProxy._install_proxy` is private and has no public equivalent: it is what `EnvironmentContext.__enter__` calls
    before env.py runs, in every command and in programs that build the context themselves.
    """
    from alembic.util import ModuleClsProxy

    original = ModuleClsProxy._install_proxy

    def install_proxy(self: Any) -> None:
        environment = sys.modules.get("alembic.runtime.environment")
        if environment is not None and isinstance(self, environment.EnvironmentContext) and "configure" not in vars(self):
            _guard(self)
        original(self)

    ModuleClsProxy._install_proxy = install_proxy  # type: ignore[method-assign]
    _mark_ids()
    _watch_for_scripts()


def _guard(env: Any) -> None:
    from lockgate.runs import plain
    from lockgate.runs.operator import operator

    ini = env.config.config_file_name
    settings = _settings(*([Path(ini).parent] if ini else []), Path(env.script.dir), Path.cwd())
    if settings is None:
        plain.guard_without_project(env)
    else:
        plain.guard(env, settings, dict(os.environ), operator())


def _settings(*starts: Path) -> Path | None:
    from lockgate.files import find_settings

    return next((found for start in starts if (found := find_settings(start.resolve()))), None)


def _mark_ids() -> None:
    """Mark the ids that Alembic makes up, so that one that the user gave is never replaced."""
    from alembic import util

    original = util.rev_id

    def rev_id() -> str:
        _name_revisions()
        return _MadeUp(original())

    util.rev_id = rev_id


def _watch_for_scripts() -> None:
    """
    Name revisions from the first `ScriptDirectory.from_config` on, which calls this function of Alembic's.

    `merge` looks up the method that writes the file before it makes an id; then it would be too late.
    """
    from alembic import util

    original = util.coerce_resource_to_filename

    def coerce_resource_to_filename(*args: Any, **options: Any) -> Any:
        _name_revisions()
        return original(*args, **options)

    util.coerce_resource_to_filename = coerce_resource_to_filename


def _name_revisions() -> None:
    """Hook into the one method that writes revision files; its class is there by the time it is called."""
    from alembic.script import ScriptDirectory

    original = ScriptDirectory.generate_revision
    if original.__module__ == __name__:
        return

    def generate_revision(self: Any, revid: str, message: str | None, *args: Any, **options: Any) -> Any:
        id_ = _revision_id(self, message or "", revid) if isinstance(revid, _MadeUp) else revid
        return original(self, id_, message, *args, **options)

    ScriptDirectory.generate_revision = generate_revision  # type: ignore[method-assign]


def _revision_id(scripts: Any, message: str, made_up: str) -> str:
    from lockgate.runs.revision import plain_id

    settings = _settings(Path(scripts.dir), Path.cwd())
    return str(made_up) if settings is None else plain_id(scripts, settings, message, str(made_up), datetime.now(UTC))
