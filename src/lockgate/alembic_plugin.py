"""
Entry point of plain `alembic` (group `alembic.plugins`): the gate stands wherever lockgate is installed.

Only the standard library is imported here: every `import alembic` in the environment loads this module. `setup()` runs while
Alembic is half imported, so it hooks the one call that comes before every env.py and loads the rest then.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any


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


def _guard(env: Any) -> None:
    from lockgate.files import find_settings
    from lockgate.runs import plain
    from lockgate.runs.operator import operator

    ini = env.config.config_file_name
    starts = [Path(ini).resolve().parent] if ini else []
    for start in (*starts, Path(env.script.dir).resolve(), Path.cwd()):
        settings = find_settings(start)
        if settings is not None:
            plain.guard(env, settings, dict(os.environ), operator())
            return
    plain.guard_without_project(env)
