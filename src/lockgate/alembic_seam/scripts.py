"""Alembic's view of the history, made of our graph: a revision's file is imported when it is about to run, and no other one is."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionMap
from alembic.util import load_python_file, to_tuple

from lockgate.errors import UsageError
from lockgate.graph import Graph, Revision


class LateScript(Script):
    """
    One revision, its place in the graph known, its module not yet imported.

    Args:
        folder: the project's, which the revision's file is relative to.
        real: the real path of a folder.
    """

    def __init__(self, revision: Revision, folder: Path, real: Callable[[str], str] = os.path.realpath) -> None:
        self._place, self._real = (folder, revision.file), real
        # Past Script's own, which takes all this out of the module.
        super(Script, self).__init__(
            revision.id, revision.down_revisions, dependencies=revision.depends_on, branch_labels=revision.branch_labels
        )
        self._said = (revision.id, set(revision.down_revisions))

    @cached_property
    def path(self) -> str:  # type: ignore[override]
        """The file's real path, as Alembic has it."""
        path = os.path.join(*self._place)
        return os.path.realpath(path) if os.path.islink(path) else os.path.join(self._real(os.path.dirname(path)), os.path.basename(path))

    @cached_property
    def module(self) -> ModuleType:  # type: ignore[override]
        """Import the file, as Alembic does; UsageError `revision-unreadable` where it has another place in the graph by now."""
        path = Path(self.path)
        module = load_python_file(path.parent, path.name)
        if (getattr(module, "revision", self.revision), set(to_tuple(module.down_revision, default=()))) != self._said:
            what = f"the file of revision `{self.revision}` became another one while the run was reading the history"
            raise UsageError("revision-unreadable", what, self.path, "run the command again when the files are at rest")
        return module


def script_directory(config: Config, graph: Graph, folder: Path) -> ScriptDirectory:
    """
    Return Alembic's script directory.

    Args:
        graph: where it is not complete, Alembic imports every file itself, as it always does.
        folder: the project's, which the files of the graph are relative to.
    """
    script = ScriptDirectory.from_config(config)
    if graph.complete:
        real = cache(os.path.realpath)  # thousands of files lie in one folder
        script.revision_map = RevisionMap(lambda: [LateScript(one, folder, real) for one in graph.revisions.values()])
    return script
