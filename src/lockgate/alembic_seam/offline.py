"""Offline mode, one revision after the other and without env.py: what their operations say, and no database that could answer."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import Engine

from lockgate.errors import Unreachable


@dataclass(frozen=True)
class Sentence:
    """
    A statement as offline mode prints it.

    Args:
        line: of the call in the revision's file; 0 where it cannot be told.
        transaction: counted from 1 through all revisions.
        outside: it stands in an `autocommit_block`.
    """

    line: int
    text: str
    transaction: int
    outside: bool


class Offline:
    """
    Revisions without a database.

    Args:
        backend: whose SQL they say.
    """

    def __init__(self, config: Config, script: ScriptDirectory, backend: str) -> None:
        self._config = config
        self._script = script
        self._backend = backend
        self._transaction = 0
        self._outside = False
        self._file = ""
        self._said: list[Sentence] = []

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Be in offline mode while the block runs; no engine of this process gets a connection."""
        event.listen(Engine, "do_connect", _refuse)
        try:
            with EnvironmentContext(self._config, self._script, as_sql=True, fn=lambda heads, context: []) as env:
                env.configure(dialect_name=self._backend, output_buffer=io.StringIO(), literal_binds=True)
                implementation = env.get_context().impl
                # Instead of printing: Alembic's own BEGIN and COMMIT tell where an autocommit_block begins and ends.
                hooks: dict[str, Callable[..., None]] = {"static_output": self._hear, "emit_commit": self._leave, "emit_begin": self._enter}
                for name, hook in hooks.items():
                    setattr(implementation, name, hook)
                with Operations.context(env.get_context()):
                    yield
        finally:
            event.remove(Engine, "do_connect", _refuse)

    def place(self, revision: str) -> tuple[Path, str, ModuleType]:
        """Return a revision's file, its message and its module."""
        found = self._script.get_revision(revision)
        return Path(found.path), found.doc, found.module

    def say(self, path: Path, run: Callable[[], Any]) -> None:
        """Run a function of a revision's file, in a transaction of its own; see `said`, also where it raises."""
        self._file, self._said, self._outside = str(path), [], False
        self._transaction += 1
        run()

    def said(self) -> tuple[Sentence, ...]:
        """Return what was said since `say` began."""
        return tuple(self._said)

    def add(self, text: str, line: int, outside: bool) -> None:
        """Say what was read, and not run."""
        self._said.append(self._sentence(text, line, outside))

    def run_alone(self, node: ast.stmt, module: ModuleType, outside: bool) -> None:
        """Run one statement of the revision's file that did not run there."""
        self._outside = outside
        code = compile(ast.Module([node], []), self._file, "exec")
        exec(code, dict(vars(module)))
        self._outside = False

    def _hear(self, text: str) -> None:
        # SQLAlchemy writes each percent sign twice, for drivers whose parameters begin with one.
        plain = text.strip().removesuffix(";").replace("%%", "%")
        self._said.append(self._sentence(plain, self._line(), self._outside))

    def _sentence(self, text: str, line: int, outside: bool) -> Sentence:
        self._transaction += outside
        return Sentence(line, text, self._transaction, outside)

    def _leave(self) -> None:
        self._outside = True

    def _enter(self) -> None:
        self._outside = False
        self._transaction += 1

    def _line(self) -> int:
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            if frame.f_code.co_filename == self._file:
                return frame.f_lineno
            frame = frame.f_back
        return 0


def _refuse(dialect: Any, record: Any, arguments: Any, options: Any) -> None:
    what = "the SQL of revisions is read without a database, and something asked for a connection"
    raise Unreachable("no-plan", what, "a revision", "give lint a scratch server, where revisions run")
